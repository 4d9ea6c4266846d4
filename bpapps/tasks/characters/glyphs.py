"""The glyphs of a font, drawn once and large: masters that pictures are taken from.

All masters share the geometry of the line: capitals are ``capital`` pixels high and stand
on one baseline, so that an o is to an O as the font's designer made them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bpapps.tasks.characters.fonts import Font, drawn, open_face
from bpapps.tasks.characters.lettering import Lettering

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

Face = Font | Lettering
"""What glyphs can be taken from."""

ABOVE, BELOW, WIDTH = 1.45, 0.65, 2.1
"""What a master shows above and below the baseline, and across, in heights of a capital."""
_PROBE = 200.0  # pixels an em at which a font is measured
_TYPICAL = "nHo"  # characters whose strokes are typical of a font


@lru_cache(maxsize=64)
def scaled(font: Font, capital: float) -> FreeTypeFont:
    """The face in which a capital is so many pixels high."""
    probe = open_face(font.path, font.index, _PROBE)
    size = _PROBE * capital / max(1, -probe.getbbox("H", anchor="ls")[1])
    return open_face(font.path, font.index, size)


@lru_cache(maxsize=8192)
def master(font: Face, character: str, capital: int) -> NDArray[np.uint8]:
    """The picture of a character, ink 255 on 0, its box in the middle of the width."""
    shape = round((ABOVE + BELOW) * capital), round(WIDTH * capital)
    base = round(ABOVE * capital)
    if isinstance(font, Lettering):
        picture = np.zeros(shape, dtype=np.uint8)
        glyph = font.drawn(character, capital)
        left = (shape[1] - glyph.shape[1]) // 2
        picture[base - capital : base, left : left + glyph.shape[1]] = glyph
    else:
        face = scaled(font, capital)
        left, _, right, _ = face.getbbox(character, anchor="ls")
        at = base, (shape[1] - left - right) / 2
        picture = drawn(face, character, shape, [at])[0]
    picture.flags.writeable = False  # it is kept, and handed out again
    return picture


@lru_cache(maxsize=4096)
def stroke_width(font: Face, capital: int) -> float:
    """The typical width of a stroke: twice the area of the ink over the length of its outline."""
    x = np.stack([master(font, character, capital) for character in _TYPICAL]) / np.float32(255)
    edges = np.abs(np.diff(x, axis=1)).sum() + np.abs(np.diff(x, axis=2)).sum()
    return float(2 * x.sum() / max(edges, 1e-6))


def thicken(pictures: NDArray[np.uint8], radius: int) -> NDArray[np.uint8]:
    """Pictures (…, h, w) with strokes ``radius`` pixels broader on each side; below 0 narrower."""
    out = pictures.copy()
    pick = np.maximum if radius > 0 else np.minimum
    for i in range(abs(radius)):
        before = out.copy()
        pick(out[..., 1:, :], before[..., :-1, :], out=out[..., 1:, :])
        pick(out[..., :-1, :], before[..., 1:, :], out=out[..., :-1, :])
        if i % 2:  # a cross in turn with a square comes near to a disc
            before = out.copy()
        pick(out[..., 1:], before[..., :-1], out=out[..., 1:])
        pick(out[..., :-1], before[..., 1:], out=out[..., :-1])
    return out


def soften(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pictures (…, h, w), empty at the edge, smoothed so that every second pixel will do."""
    out = pictures.astype(np.float32)
    out[..., 1:-1, :] = (out[..., :-2, :] + 2 * out[..., 1:-1, :] + out[..., 2:, :]) / 4
    out[..., 1:-1] = (out[..., :-2] + 2 * out[..., 1:-1] + out[..., 2:]) / 4
    return out
