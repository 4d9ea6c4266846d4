"""Where masks and ink lie in a stack of pictures, and moving them: boxes, centres, slants."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.pictures.arrays import Mask, Stack


def places(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of what is true in a mask (h, w), row by row.

    As ``np.nonzero``, in a third of its time where little is true.
    """
    place, width = np.flatnonzero(mask), mask.shape[1]
    rows = place // width  # by a multiplication; np.divmod divides
    return rows, place - rows * width


def near(mask: NDArray[Any], which: np.ufunc = np.maximum) -> NDArray[Any]:
    """Masks (…, h, w) and the pixels that touch them, where the edge of a stroke fades.

    which: of pictures np.minimum takes the darkest that touches each pixel.
    """
    tall = mask.copy()
    which(tall[..., 1:, :], mask[..., :-1, :], out=tall[..., 1:, :])
    which(tall[..., :-1, :], mask[..., 1:, :], out=tall[..., :-1, :])
    wide = tall.copy()
    which(wide[..., 1:], tall[..., :-1], out=wide[..., 1:])
    which(wide[..., :-1], tall[..., 1:], out=wide[..., :-1])
    return wide


def bounding_boxes(mask: Mask) -> NDArray[np.intp]:
    """Top, left, bottom, right (the latter two exclusive) of each mask, (n, 4); zeros if empty."""
    h, w = mask.shape[1:]
    rows, columns = np.any(mask, axis=2), np.any(mask, axis=1)
    top, left = rows.argmax(axis=1), columns.argmax(axis=1)
    bottom, right = h - rows[:, ::-1].argmax(axis=1), w - columns[:, ::-1].argmax(axis=1)
    return np.stack([top, left, bottom, right], axis=1) * rows.any(axis=1)[:, None]


def longer_sides(boxes: NDArray[Any]) -> NDArray[Any]:
    """The longer side of each box, (n,)."""
    return np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])


def centres_of_mass(stack: Stack) -> NDArray[np.float32]:
    """Row and column of each picture's centre of mass, (n, 2); a pixel's middle is at + 0.5."""
    rows, columns = stack.sum(axis=2), stack.sum(axis=1)
    total = np.maximum(rows.sum(axis=1), 1e-9)
    y = rows @ (np.arange(stack.shape[1], dtype=np.float32) + 0.5) / total
    x = columns @ (np.arange(stack.shape[2], dtype=np.float32) + 0.5) / total
    return np.stack([y, x], axis=1).astype(np.float32)


def slants(stack: Stack) -> NDArray[np.float32]:
    """Columns that each picture's ink leans by from a row to the next, (n,), by its moments."""
    at = centres_of_mass(stack)
    y = np.arange(stack.shape[1], dtype=np.float32) + 0.5 - at[:, :1]
    x = np.arange(stack.shape[2], dtype=np.float32) + 0.5 - at[:, 1:]
    down = (stack.sum(axis=2) * y * y).sum(axis=1)
    both = ((y[:, None] @ stack) * x[:, None]).sum(axis=(1, 2))
    return both / np.maximum(down, 1e-6)


def shear(stack: Stack, slope: NDArray[np.float32]) -> Stack:
    """Each row moved left by ``slope`` (n,) columns for every row that it is below the middle."""
    height, width = stack.shape[1:]
    down = np.arange(height, dtype=np.float32) + 0.5 - height / 2
    at = np.arange(width, dtype=np.float32) + (slope[:, None] * down)[:, :, None]
    at = np.clip(at, -1, width)
    left = np.floor(at).astype(np.intp)
    wide = np.pad(stack, ((0, 0), (0, 0), (1, 2)))
    here = np.take_along_axis(wide, left + 1, axis=2)
    there = np.take_along_axis(wide, left + 2, axis=2)
    return here + (at - left).astype(np.float32) * (there - here)


def resample(
    stack: Stack, scale: NDArray[Any], source: NDArray[Any], target: NDArray[Any], size: int
) -> Stack:
    """Scale each picture and lay its point ``source`` on ``target`` of a size×size field.

    scale (n,), or (n, 2) by axis; source and target (n, 2) as row and column. Shrinking averages
    the area under each new pixel, enlarging interpolates linearly; outside the picture there is
    nothing (0).
    """
    tall, wide = scale.T if scale.ndim == 2 else (scale, scale)
    down = _overlaps(stack.shape[1], tall, source[:, 0], target[:, 0], size)
    across = _overlaps(stack.shape[2], wide, source[:, 1], target[:, 1], size)
    return np.matmul(down, stack) @ across.transpose(0, 2, 1)


def _overlaps(
    length: int, scale: NDArray[Any], source: NDArray[Any], target: NDArray[Any], size: int
) -> Stack:
    """How much of each old pixel lies under each new one: (n, size, length), rows sum to 1."""
    half = 0.5 * np.maximum(1, 1 / scale)[:, None, None]
    new = np.arange(size, dtype=np.float32)[None, :, None] + 0.5
    at = (new - target[:, None, None]) / scale[:, None, None] + source[:, None, None]
    old = np.arange(length, dtype=np.float32)
    overlap = np.minimum(at + half, old + 1) - np.maximum(at - half, old)
    return (np.maximum(overlap, 0) / (2 * half)).astype(np.float32)
