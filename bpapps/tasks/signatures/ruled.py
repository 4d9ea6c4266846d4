"""Ruled and printed lines on the paper of a signature, taken out of its ink."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpapps.pictures.ink import quantile
from bpapps.pictures.shapes import places

Mask = NDArray[np.bool_]  # (h, w)
Corner = tuple[float, float]  # row and column

_STEEPEST = 0.08  # of a ruled line, rows a column
_MOST = 50  # lines that are tried, level and upright each
_OWN = 8  # lines that stay: where there are more, it is no signature but a page of print
_ROUGHEST = 0.5  # of a ruled line, in pixels
_EVERY = 2  # which column is asked where a line may be


class RuledLine(NamedTuple):
    """A nearly level line: its ends (the last exclusive), thickness, and row at each column.

    rough: by how much its ink strays from it, in pixels, as a standard deviation. whole: the
    share of the columns between its ends that have ink.
    """

    first: int
    last: int
    thickness: float
    rows: NDArray[Any]
    rough: float
    whole: float


def drop_lines(mask: Mask) -> Mask:
    """Without ruled or printed lines, nearly level or upright; strokes that cross them stay.

    Writers underline their names with lines almost as straight as print. So a line goes only
    if it runs along an edge of the picture, or from one edge to the other, or if it is level,
    dead straight and as long as all the rest, or an upright side of a box, whose level ones went.
    """
    out = mask.copy()
    level = _drop_level(out)
    _drop_level(out.T, [(x, line.rows[x]) for line in level for x in (line.first, line.last - 1)])
    return out


def _drop_level(mask: Mask, corners: list[Corner] | None = None) -> list[RuledLine]:
    """Take nearly level lines out of a mask, in place, and say which.

    A line that stays hides no other line.

    corners: for a mask on its side, where lines are upright: the corners that boxes may have.
    """
    gone: list[RuledLine] = []
    tried: list[RuledLine] = []
    while len(tried) < _MOST and len(tried) - len(gone) < _OWN:
        line = _most_covered(mask, tried)
        if line is None:
            break
        ruled = _is_ruled(line, mask, corners)
        if not ruled and line.rough < _ROUGHEST:  # strokes beside a line bend the first fit
            line = _fit_closer(line, mask, tried) or line
            ruled = _is_ruled(line, mask, corners)
        if ruled:
            _erase(mask, line)
            gone.append(line)
        tried.append(line)
    return gone


def _most_covered(mask: Mask, tried: list[RuledLine], least: float = 0.4) -> RuledLine | None:
    """The nearly level line with most ink on it; None if the ink is not ``least`` of the width.

    tried: lines whose ink does not count.
    """
    height, width = mask.shape
    y, x = _ink_beside(tried, mask, _EVERY)
    reach = round(_STEEPEST * width / 2)
    slopes = np.arange(-reach, reach + 1, 2) / (width / 2)
    bins = height + 2 * reach + 2
    columns = np.arange(0, width, _EVERY) - width / 2
    if len(y) < least * len(columns):
        return None
    shift = (reach + 1.5 - slopes[:, None] * columns).astype(np.intp)
    shift += (np.arange(len(slopes)) * bins)[:, None]
    counts = np.bincount((shift.take(x, axis=1) + y).ravel(), minlength=len(slopes) * bins)
    best = counts.argmax()
    if counts[best] < least * len(columns):
        return None
    slope, row = slopes[best // bins], best % bins - reach - 1
    y, x = _ink_beside(tried, mask)
    return _fit_line(x, y, slope, row - slope * width / 2, width)


def _ink_beside(
    tried: list[RuledLine], mask: Mask, every: int = 1
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the ink that is on none of these lines, and which of ``every`` few columns."""
    y, x = places(mask[:, ::every])
    for line in tried:
        off = np.abs(y - line.rows[every * x]) > line.thickness / 2 + 1
        y, x = y[off], x[off]
    return y, x


def _fit_line(
    x: NDArray[np.intp],
    y: NDArray[np.intp],
    slope: float,
    start: float,
    width: int,
    reach: float = 5.0,
) -> RuledLine | None:
    """The line y = start + slope·x fitted anew to the ink within ``reach`` of it, then closer."""
    for _ in range(2):
        near = np.abs(y - start - slope * x) <= reach
        if near.sum() < 0.2 * width:
            return None
        slope, start = _least_squares(x[near], y[near])
        counts = np.bincount(x[near], minlength=width)
        thickness = float(np.median(counts[counts > 0]))
        reach = thickness / 2 + 1
    inked = np.flatnonzero(counts)
    first, last = int(inked[0]), int(inked[-1]) + 1
    broadest = float(quantile(counts[inked], 0.8))  # of a ragged line
    off = np.bincount(x[near], y[near] - start - slope * x[near], minlength=width)
    alone = (counts > 0) & (counts <= thickness)  # where nothing crosses it
    rough = float((off[alone] / counts[alone]).std())
    rows = start + slope * np.arange(width)
    return RuledLine(first, last, broadest, rows, rough, len(inked) / (last - first))


def _fit_closer(line: RuledLine, mask: Mask, tried: list[RuledLine]) -> RuledLine | None:
    """The line fitted anew to the ink that it goes through."""
    y, x = _ink_beside(tried, mask)
    slope = (line.rows[-1] - line.rows[0]) / max(1, len(line.rows) - 1)
    return _fit_line(x, y, slope, line.rows[0], len(line.rows), line.thickness / 2 + 1)


def _least_squares(x: NDArray[np.intp], y: NDArray[np.intp]) -> tuple[float, float]:
    """Slope and start of the line fitted to points; level where all are in one column."""
    away = x - x.mean()
    slope = float(away @ y / (away @ away or 1.0))
    return slope, float(y.mean() - slope * x.mean())


def _is_ruled(line: RuledLine, mask: Mask, corners: list[Corner] | None) -> bool:
    """Whether a line is no writing. The limits were set on 2,160 scans with 40 ruled lines."""
    height, width = mask.shape
    close = 0.02 * width
    starts, ends = line.first <= close, line.last >= width - close
    at_ends = line.rows[[line.first, line.last - 1]]
    beside = bool(np.all(at_ends < 0.05 * height) or np.all(at_ends > 0.95 * height - 1))
    if beside and (starts or ends):
        return line.rough < 0.4 and line.whole > 0.8
    if line.whole < 0.9:
        return False
    if starts and ends:
        return line.rough < _ROUGHEST
    if line.rough >= 0.3:
        return False
    if corners is None:
        return _outlasts(line, mask)
    return _joins(line, corners, 0.02 * max(height, width))


def _joins(line: RuledLine, corners: list[Corner], close: float) -> bool:
    """Whether a line runs from one corner to another."""
    ends = [(line.rows[x], x) for x in (line.first, line.last - 1)]
    return all(any(math.dist(end, corner) <= close for corner in corners) for end in ends)


def _outlasts(line: RuledLine, mask: Mask) -> bool:
    """Whether a line is as long as all the rest of the ink."""
    rest = mask.copy()
    _erase(rest, line)
    inked = np.flatnonzero(rest.any(axis=0))
    close = 0.02 * mask.shape[1]
    return len(inked) > 0 and line.first < inked[0] + close and line.last > inked[-1] - close


def _erase(mask: Mask, line: RuledLine) -> None:
    """Take a line out of a mask, in place, but for the columns where a stroke crosses it."""
    from scipy.ndimage import binary_closing

    height = len(mask)
    half = line.thickness / 2 + 1
    columns = np.arange(line.first, line.last)
    top = np.floor(line.rows[columns] - half).astype(np.intp)
    deep = int(np.ceil(2 * half)) + 1
    rows = top[:, None] + np.arange(-1, deep + 1)
    inside = (rows >= 0) & (rows < height)
    band = mask[np.clip(rows, 0, height - 1), columns[:, None]] & inside
    # A stroke that crosses at a slant is in the line for a while between above and below it.
    crossed = binary_closing(band[:, 0] | band[:, -1], np.ones(deep + 2))
    goes = inside[:, 1:-1] & ~crossed[:, None]
    across = np.broadcast_to(columns[:, None], goes.shape)
    mask[rows[:, 1:-1][goes], across[goes]] = False
