"""A signature's ink turned level, scaled and laid in the middle of a field.

Some writers sign uphill one day and downhill the next, and sheets lie askew. So the ink is turned
until the line fitted to it runs level; then the same strokes come to the same places.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpapps.pictures.shapes import near, places
from bpapps.tasks.signatures.paper import Gray, Ink, shrunk

_LARGEST = 8.0  # by what ink is enlarged at most: a dot stays one
_FINER = 1.5  # pixels of the copy that is turned for each pixel of the field: turning blurs


def place(ink: Ink, shape: tuple[int, int], margin: int) -> Gray:
    """The ink turned level and scaled to fill a field (h, w) but for a margin, in its middle.

    Its main pieces fill the field: a far speck does not set the scale.
    """
    from PIL import Image

    inked = ink.contrast * near(ink.mask)
    at = np.array(places(ink.main), dtype=np.float64)
    axes = _axes(tilt(at))
    low, high = _extent(at, axes)
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


def tilt(at: NDArray[np.float64]) -> float:
    """The angle that pixels (y and x, n) run down by from left to right, in radians within ±π/4.

    The angle is the slope of the line fitted by least squares, y against x. Fitted to ink that is
    taller than broad, the line would tell the slant, so the taller the ink, the less it is turned.
    """
    away = at - at.mean(axis=1, keepdims=True)
    (down, both), (_, along) = away @ away.T
    return float(np.arctan(both * along / max(down, along, 1e-9) ** 2))


def _axes(angle: float) -> NDArray[np.float64]:
    """Unit vectors (y, x) down and along ink that is turned by an angle, (2, 2)."""
    sin, cos = np.sin(angle), np.cos(angle)
    return np.array([[cos, -sin], [sin, cos]])


def _extent(
    at: NDArray[np.float64], axes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least and the greatest that pixels (2, n) reach to along each of two axes, (2,)."""
    at = axes @ at
    corners = axes @ [[0, 0, 1, 1], [0, 1, 0, 1]]  # of a pixel
    return at.min(axis=1) + corners.min(axis=1), at.max(axis=1) + corners.max(axis=1)
