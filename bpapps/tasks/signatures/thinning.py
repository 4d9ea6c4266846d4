"""Strokes of any width drawn anew with one: thinned to their middle lines, then a round pen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.float32]  # (h, w)
Mask = NDArray[np.bool_]  # (h, w)


def _thinning_tables() -> NDArray[np.bool_]:
    """Which pixels Guo and Hall's (1989, A1) two passes take away, (2, 256), by neighbours.

    Bit i of the index is the neighbour i of _AROUND.
    """
    n, ne, e, se, s, sw, w, nw = (np.arange(256) >> np.arange(8)[:, None] & 1).astype(bool)
    pairs = ((~n & (ne | e)), (~e & (se | s)), (~s & (sw | w)), (~w & (nw | n)))
    one_piece = sum(pair.astype(int) for pair in pairs) == 1
    first = sum(pair.astype(int) for pair in (nw | n, ne | e, se | s, sw | w))
    second = sum(pair.astype(int) for pair in (n | ne, e | se, s | sw, w | nw))
    fewer = np.minimum(first, second)
    edge = one_piece & (fewer >= 2) & (fewer <= 3)
    return np.stack([edge & ~((s | sw | ~nw) & w), edge & ~((n | ne | ~se) & e)])


_AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # from n to nw
_TABLES = _thinning_tables()


def thin(mask: Mask) -> Mask:
    """The middle lines of a mask's strokes, one pixel wide, as connected as the strokes were.

    Guo and Hall, Parallel thinning with two-subiteration algorithms, CACM 1989.
    """
    width = mask.shape[1]
    room = np.pad(mask, 1)
    flat = room.ravel()
    around = [down * (width + 2) + right for down, right in _AROUND]
    ink = np.flatnonzero(flat)
    before = -1
    while len(ink) != before:
        before = len(ink)
        for table in _TABLES:
            code = np.zeros(len(ink), dtype=np.uint8)
            for bit, step in enumerate(around):
                code |= flat[ink + step].view(np.uint8) << np.uint8(bit)
            goes = table[code]
            flat[ink[goes]] = False
            ink = ink[~goes]
    return room[1:-1, 1:-1]


def drawn(lines: Mask, width: int) -> Mask:
    """Lines of one pixel drawn with a round pen of a width in pixels."""
    reach = width // 2
    wide = np.pad(lines, reach)
    out = np.zeros_like(lines)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            if down * down + right * right <= width * width / 4:
                moved = wide[reach + down :, reach + right :]
                out |= moved[: lines.shape[0], : lines.shape[1]]
    return out


def halve(mask: Mask) -> Gray:
    """A mask at half its size, in grays."""
    height, width = mask.shape
    blocks = mask.reshape(height // 2, 2, width // 2, 2)
    return blocks.mean(axis=(1, 3), dtype=np.float32)
