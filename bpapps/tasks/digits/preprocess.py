"""Any picture of a digit, made to look like one of MNIST's.

MNIST's authors scaled each digit's ink to a box of 20×20 pixels, keeping its aspect, and put its
centre of mass at the centre of a field of 28×28 (LeCun et al., Gradient-based learning applied to
document recognition, 1998). :class:`DigitNormalizer` does the same to pictures that are not as
clean as MNIST's were: the paper is found and taken away first. A picture that already is as they
made them passes unchanged.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bpapps.pictures.arrays import Stack, as_pictures
from bpapps.pictures.ink import Ink, above, find_ink, full_ink, map_pictures, why_not_one
from bpapps.pictures.normalizer import Normalizer
from bpapps.pictures.shapes import bounding_boxes, centres_of_mass, longer_sides, resample

_FAINT = 0.02  # what counts as ink in a clean picture


class DigitNormalizer(Normalizer):
    """Pictures of digits -> rows of size·size values in [0, 1], ink bright.

    Stateless. Takes whatever :func:`bpapps.pictures.arrays.as_pictures` takes.

    Parameters
    ----------
    size : int, default=28
        Side of the field, in pixels.
    box : int, default=20
        Side of the square that the ink is scaled to fill, its aspect kept.
    center : {"mass", "box"}, default="mass"
        What is put at the field's centre: the ink's centre of mass, or the centre of its box.
        scikit-learn's digits are ``size=8, box=8, center="box"``.

    """

    def __init__(self, size: int = 28, box: int = 20, center: Literal["mass", "box"] = "mass"):
        self.size = size
        self.box = box
        self.center = center

    def _check(self) -> None:
        if self.center not in ("mass", "box"):
            raise ValueError(f"center={self.center!r}; it is 'mass' or 'box'")
        if not 1 <= self.box <= self.size:
            raise ValueError(f"box={self.box}, size={self.size}; the box must fit the field")

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Normalised pictures, float32 (n, size·size); a blank picture gives zeros."""
        self._check()
        out = map_pictures(self._transform_stack, X, (self.size, self.size))
        return out.reshape(len(out), self.size * self.size)

    def inspect(self, picture: Any) -> str | None:
        """Why a picture cannot be a digit, in a few words; None if it can.

        picture: an array (h, w) or (h, w, 1 | 3 | 4), a PIL image or a path.
        """
        return why_not_one(as_pictures([picture])[0], "digit")

    def _transform_stack(self, stack: Stack) -> Stack:
        if stack.shape[1:] != (self.size, self.size):
            return self._normalize(stack)
        ready = self._is_normal(stack)
        if ready.all():
            return stack
        out = stack.copy()
        out[~ready] = self._normalize(stack[~ready])
        return out

    def _is_normal(self, stack: Stack) -> NDArray[np.bool_]:
        """Which pictures of the field's size are as MNIST's authors (or the 8×8's) left them."""
        if self.center == "box":
            sides = stack[:, 0], stack[:, -1], stack[:, 1:-1, 0], stack[:, 1:-1, -1]
            ring = np.concatenate(sides, axis=1)
            return np.median(ring, axis=1) <= 0.3 * stack.max(axis=(1, 2))
        boxes = bounding_boxes(stack > _FAINT)
        off = np.abs(centres_of_mass(stack) - self._middle).max(axis=1)
        strong = stack.max(axis=(1, 2)) > 0.7
        return strong & (abs(longer_sides(boxes) - self.box) <= 1) & (off <= 1.5)

    @property
    def _middle(self) -> float:
        """MNIST's centre of mass is the pixel (14, 14), whose middle is at 14.5."""
        return self.size / 2 + (0.5 if self.center == "mass" else 0)

    def _normalize(self, stack: Stack) -> Stack:
        ink = find_ink(stack)
        floor = 0.4 * ink.threshold
        field = self._place(above(ink.contrast, floor), ink)
        full = full_ink(field)
        if stack.shape[1:] == (self.size, self.size):
            here = self._in_place(ink)
            field[here] = above(ink.contrast, np.minimum(floor, 2 * ink.noise))[here]
            full[here] = full_ink(ink.contrast * ink.mask)[here]
        field /= np.maximum(full, 1e-6)[:, None, None]
        field[ink.blank] = 0
        return np.clip(field, 0, 1)

    def _place(self, inked: Stack, ink: Ink) -> Stack:
        """The ink, scaled to the box and centred; all of the picture where no ink is clear."""
        boxes = np.where(ink.clear[:, None], ink.boxes, (0, 0, *inked.shape[1:]))
        scale = np.where(ink.clear, self.box, self.size) / longer_sides(boxes)
        source = (boxes[:, :2] + boxes[:, 2:]) / 2
        target = np.full_like(source, self.size / 2)
        if self.center == "mass":
            source[ink.clear] = ink.centres()[ink.clear]
            target[ink.clear] = self._middle
        field = resample(inked, scale, source, target, self.size)
        # Nothing beyond the box: the paper's texture is not ink.
        low = np.floor((boxes[:, :2] - source) * scale[:, None] + target)
        high = np.ceil((boxes[:, 2:] - source) * scale[:, None] + target)
        at = np.arange(self.size)
        rows = (at >= low[:, :1]) & (at < high[:, :1])
        columns = (at >= low[:, 1:]) & (at < high[:, 1:])
        return field * (rows[:, :, None] & columns[:, None, :])

    def _in_place(self, ink: Ink) -> NDArray[np.bool_]:
        """Which pictures' ink needs no moving, as far as the noise tells; moving would harm."""
        off = np.abs(ink.centres() - self._middle).max(axis=1)
        size_right = abs(longer_sides(ink.boxes) - self.box) <= 2.5 + 10 * ink.noise
        return ~ink.clear | (size_right & (off <= 1.5 + 4 * ink.noise))
