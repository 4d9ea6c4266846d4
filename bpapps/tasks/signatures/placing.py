"""A signature's ink turned level, scaled and laid in the middle of a field.

Some writers sign uphill one day and downhill the next, and sheets lie askew. So the ink is turned
until the line fitted to it runs level; then the same strokes come to the same places.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpapps import images
from bpapps.tasks.signatures.paper import Gray, Ink, Mask, shrunk

_LARGEST = 8.0  # by what ink is enlarged at most: a dot stays one
_FINER = 1.5  # pixels of the copy that is turned to one of the field: turning blurs


def place(ink: Ink, shape: tuple[int, int], margin: int) -> Gray:
    """The ink turned level and scaled to fill a field (h, w) but for a margin, in its middle.

    Its main pieces fill the field: a far speck does not set the scale.
    """
    from PIL import Image

    inked = ink.contrast * images.near(ink.mask)
    axes = _axes(tilt(ink.main))
    low, high = _extent(ink.main, axes)
    scale = min(_LARGEST, *((np.array(shape) - 2 * margin) / (high - low)))
    small = shrunk(inked, _FINER * scale)
    pixel = np.array(inked.shape) / small.shape
    start = (low + high - np.array(shape) / scale) / 2 @ axes / pixel
    (down_y, down_x), (along_y, along_x) = axes / pixel / scale
    turn = (along_x, down_x, start[1], along_y, down_y, start[0])  # x of x, y and 1; then y
    field = Image.fromarray(small).transform(
        shape[::-1], Image.Transform.AFFINE, turn, Image.Resampling.BILINEAR
    )
    return np.maximum(np.asarray(field), 0)


def tilt(mask: Mask) -> float:
    """The angle that ink runs down by from left to right, in radians within ±π/4.

    It is that of the line fitted by least squares, y against x. Of ink that is taller than broad
    that would be its slant, if anything, so the taller, the less it is turned.
    """
    down, along, both = images.second_moments(mask[None].astype(np.float32))[0]
    return float(np.arctan(both * along / max(down, along, 1e-9) ** 2))


def _axes(angle: float) -> NDArray[np.float64]:
    """Unit vectors (y, x) down and along what is turned by an angle, (2, 2)."""
    sin, cos = np.sin(angle), np.cos(angle)
    return np.array([[cos, -sin], [sin, cos]])


def _extent(
    mask: Mask, axes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least and the greatest that a mask reaches to along each of two axes, (2,)."""
    rows = np.flatnonzero(mask.any(axis=1))
    left = mask[rows].argmax(axis=1)
    right = mask.shape[1] - mask[rows, ::-1].argmax(axis=1)
    corners = [np.stack([rows + y, x], axis=1) for y in (0, 1) for x in (left, right)]
    at = np.concatenate(corners) @ axes.T
    return at.min(axis=0), at.max(axis=0)
