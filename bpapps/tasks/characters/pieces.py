"""The strokes of a line cut into pieces: a character is one piece, or several that follow.

Dots are laid to their stems. A stroke that may be two characters that touch is cut wherever its
ink is thin, more often than is right: which cuts count is decided later, on the reader's evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bpapps.tasks.characters.strokes import Strokes, boxes

_SLANTS = np.linspace(-0.15, 0.45, 25)  # of italics: columns to the right per row up
_CLEAR = 1.03  # how much steeper slanted columns must be than upright ones to be believed
_LONG = 7  # strokes: a line of so many is believed to be slanted without a second look

# What it costs, in log-probability, to see the line otherwise than its ink stands: to part ink
# that touches, by its thickness there in heights of a tall character; to join ink across a gap, and
# more by the gap's width; to part ink that lies over other ink.
_PART = 1.0
_JOIN, _JOIN_WIDE = 0.75, 15.0
_OVERLAP = 2.0


@dataclass(frozen=True)
class Pieces:
    """The n pieces of a line from left to right.

    own (h, w): which piece a pixel of ink is of, from 1. labels (h, w): the same with the ink's
    soft edges. left, right (n,): extent, with the slant taken out. part (n - 1,): what it costs
    to begin a character after each piece. join (n - 1,): what it costs not to.
    """

    own: NDArray[np.intp]
    labels: NDArray[np.intp]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    part: NDArray[np.float64]
    join: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True)
class _Piece:
    """Ink of one stroke between two columns; ``thin`` is the ink's height in its left cut."""

    pixels: NDArray[np.intp]  # places in the list of all ink pixels
    left: float
    right: float
    stroke: int
    thin: float


def cut_up(strokes: Strokes, slant: float = 0.0) -> Pieces:
    """The pieces of a line that is slanted so, in columns to the right per row up."""
    rows, columns = np.nonzero(strokes.labels)
    stroke = _with_dots(strokes)[strokes.labels[rows, columns]]
    across = columns + slant * (rows - rows.mean())
    pen = _pen(strokes)
    found: list[_Piece] = []
    for number in np.unique(stroke):
        pixels = np.flatnonzero(stroke == number)
        found += _parts(pixels, across[pixels], int(number), pen, strokes.height)
    # From left to right; the pieces of one stroke stay together, as a character's pieces do.
    middle = {n: np.mean([p.left + p.right for p in found if p.stroke == n]) for n in set(stroke)}
    found.sort(key=lambda piece: (middle[piece.stroke], piece.left))
    labels = np.zeros_like(strokes.labels)
    for i, piece in enumerate(found):
        labels[rows[piece.pixels], columns[piece.pixels]] = i + 1
    part, join = _costs(found, strokes.height)
    left, right = np.array([(piece.left, piece.right) for piece in found]).T
    return Pieces(labels, _with_edges(labels), left, right, part, join)


def _with_dots(strokes: Strokes) -> NDArray[np.intp]:
    """Which stroke each stroke belongs to: a dot to the tall one that it stands over."""
    box = boxes(strokes.labels).astype(float)
    owner = np.arange(len(box) + 1)
    tall = box[:, 2] - box[:, 0]
    stems = np.flatnonzero(tall >= 0.4 * strokes.height)
    for dot in np.flatnonzero(tall < 0.4 * strokes.height):
        overlap = np.minimum(box[dot, 3], box[stems, 3]) - np.maximum(box[dot, 1], box[stems, 1])
        off = np.abs((box[dot, 1] + box[dot, 3] - box[stems, 1] - box[stems, 3]) / 2)
        near = overlap > -0.06 * strokes.height
        if near.any():
            owner[dot + 1] = stems[np.where(near, off, np.inf).argmin()] + 1
    return owner


def slants(strokes: Strokes) -> list[float]:
    """What a line may be slanted by: what makes its ink stand in columns, and nothing.

    In a long line, clear slanted columns are italics; in a short line they may be the
    diagonals of a 7 or a W.
    """
    rows, columns = np.nonzero(strokes.labels)
    down = rows - rows.mean()

    def steepness(slant: float) -> float:
        across = columns + slant * down
        bins = np.bincount(np.round(across - across.min()).astype(np.intp)).astype(float)
        return float(bins @ bins)

    found = [steepness(slant) for slant in _SLANTS]
    best = int(np.argmax(found))
    if found[best] <= _CLEAR * steepness(0.0):
        return [0.0]
    slant = float(_SLANTS[best])
    return [slant] if strokes.labels.max() >= _LONG else [0.0, slant]


def _pen(strokes: Strokes) -> float:
    """The width of the pen: across a bar, the mean distance to its edge is a quarter of it."""
    inside = np.pad(strokes.labels > 0, 1)
    return float(max(1.0, 4 * ndimage.distance_transform_edt(inside)[inside].mean() - 1))


def _parts(
    pixels: NDArray[np.intp], across: NDArray[np.float64], stroke: int, pen: float, height: float
) -> list[_Piece]:
    """A stroke cut where its ink is thin."""
    start = across.min()
    column = np.round(across - start).astype(np.intp)
    ink = np.bincount(column).astype(float)
    cuts = _cuts(ink, pen, height)
    edges = [0, *cuts, len(ink)]
    number = np.searchsorted(cuts, column, side="right")
    return [
        _Piece(
            pixels[number == i], start + edges[i], start + edges[i + 1], stroke,
            float(ink[edges[i] - 1 : edges[i] + 1].min()) if i else 0.0,
        )
        for i in range(len(edges) - 1)
        if (number == i).any()
    ]  # fmt: skip


def _cuts(ink: NDArray[np.float64], pen: float, height: float) -> list[int]:
    """Columns to cut before: local minima of the ink, the thinnest first, none too close."""
    narrow = max(2, round(0.12 * height))
    if len(ink) < max(2.5 * narrow, 0.3 * height):
        return []
    least = ndimage.minimum_filter1d(ink, max(3, narrow))
    thin = (ink <= least) & (ink <= max(1.7 * pen, 0.15 * height))
    thin[:narrow] = thin[len(ink) - narrow + 1 :] = False
    cuts: list[int] = []
    plateaus, count = ndimage.label(thin)
    centres = [int(np.median(np.flatnonzero(plateaus == i + 1))) for i in range(count)]
    for centre in sorted(centres, key=lambda c: ink[c]):
        if all(abs(centre - other) >= narrow for other in cuts):
            cuts.append(centre)
    return sorted(cuts)


def _costs(found: list[_Piece], height: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What it costs to begin a character after each piece, and what it costs not to."""
    part, join = np.zeros(len(found) - 1), np.zeros(len(found) - 1)
    for i, (one, two) in enumerate(pairwise(found)):
        if one.stroke == two.stroke:
            part[i] = _PART * two.thin / height
            continue
        gap = (two.left - one.right) / height
        narrower = min(one.right - one.left, two.right - two.left) / height
        share = min(1.0, -gap / narrower) if gap < 0 else 0.0
        part[i] = _OVERLAP * max(0.0, share - 0.3)
        join[i] = (_JOIN + _JOIN_WIDE * max(0.0, gap)) * (1 - share)
    return part, join


def _with_edges(labels: NDArray[np.intp], reach: float = 2.0) -> NDArray[np.intp]:
    """The labels grown by the soft edge of the ink."""
    away, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    return np.where(away <= reach, labels[tuple(nearest)], 0)
