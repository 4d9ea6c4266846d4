"""Any picture of a digit, made to look like one of MNIST's.

MNIST's authors scaled each digit's ink to a box of 20×20 pixels, keeping its aspect, and put its
centre of mass at the centre of a field of 28×28 (LeCun et al., Gradient-based learning applied to
document recognition, 1998). :class:`DigitNormalizer` does the same to pictures that are not as
clean as theirs were: the paper is found and taken away first. A picture that already is as they
made them passes unchanged.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from bpapps import images

_CHUNK = 2_000_000  # pixels worked on at once
_WORK = 112  # longest side, in pixels, that the ink is looked for in
_PEN = 0.1  # the broadest stroke in a large picture, of its longer side
_FAINT = 0.02  # what counts as ink in a clean picture


class DigitNormalizer(TransformerMixin, BaseEstimator):
    """Pictures of digits -> rows of size·size values in [0, 1], ink bright.

    Stateless. Takes whatever :func:`bpapps.images.as_pictures` takes.

    Parameters
    ----------
    size : int, default=28
        Side of the field, in pixels.
    box : int, default=20
        Side of the square that the ink is scaled to fill, its aspect kept.
    center : {"mass", "box"}, default="mass"
        What is put at the field's centre: the ink's centre of mass, or that of its box.
        scikit-learn's digits are ``size=8, box=8, center="box"``.

    """

    def __init__(self, size: int = 28, box: int = 20, center: Literal["mass", "box"] = "mass"):
        self.size = size
        self.box = box
        self.center = center

    def fit(self, X: Any, y: Any = None) -> DigitNormalizer:
        """Check the parameters; there is nothing to learn."""
        self._check()
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags

    def _check(self) -> None:
        if self.center not in ("mass", "box"):
            raise ValueError(f"center={self.center!r}; it is 'mass' or 'box'")
        if not 1 <= self.box <= self.size:
            raise ValueError(f"box={self.box}, size={self.size}; the box must fit the field")

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Normalised pictures, float32 (n, size·size); a blank picture gives zeros."""
        self._check()
        pictures = images.as_pictures(X)
        if isinstance(pictures, list) or max(pictures.shape[1:]) > _WORK:
            pictures = [_around_ink(picture) for picture in pictures]
        out = np.zeros((len(pictures), self.size, self.size), dtype=np.float32)
        for places, stack in images.by_shape(pictures):
            step = max(1, _CHUNK // max(1, stack.shape[1] * stack.shape[2]))
            for i in range(0, len(stack), step):
                out[places[i : i + step]] = self._transform_stack(stack[i : i + step])
        return out.reshape(len(out), self.size * self.size)

    def inspect(self, picture: Any) -> str | None:
        """Why a picture cannot be a digit, in a few words; None if it can.

        picture: an array (h, w) or (h, w, 1 | 3 | 4), a PIL image or a path.
        """
        evened = _around_ink(images.as_pictures([picture])[0])
        ink = images.find_ink(evened[None])
        if ink.blank[0]:
            return "no ink was found"
        if not ink.clear[0]:
            return "no ink stands out from the grain"
        height, width = ink.boxes[0, 2:] - ink.boxes[0, :2]
        broad = min(height, width) > max(8, max(height, width) / 2)  # not a 1, nor a few pixels
        if broad and ink.mask.sum() > 0.85 * height * width:
            return "the ink is one solid block"
        pieces = images.count_pieces(ink.mask[0])
        if pieces > 4:
            return f"the ink is in {pieces} places; give one digit a picture"
        return None

    def _transform_stack(self, stack: images.Stack) -> images.Stack:
        if stack.shape[1:] != (self.size, self.size):
            return self._normalize(stack)
        ready = self._is_normal(stack)
        if ready.all():
            return stack
        out = stack.copy()
        out[~ready] = self._normalize(stack[~ready])
        return out

    def _is_normal(self, stack: images.Stack) -> NDArray[np.bool_]:
        """Which pictures of the field's size are as MNIST's authors (or the 8×8's) left them."""
        if self.center == "box":
            sides = stack[:, 0], stack[:, -1], stack[:, 1:-1, 0], stack[:, 1:-1, -1]
            ring = np.concatenate(sides, axis=1)
            return np.median(ring, axis=1) <= 0.3 * stack.max(axis=(1, 2))
        boxes = images.bounding_boxes(stack > _FAINT)
        off = np.abs(images.centres_of_mass(stack) - self._middle).max(axis=1)
        strong = stack.max(axis=(1, 2)) > 0.7
        return strong & (abs(_longer(boxes) - self.box) <= 1) & (off <= 1.5)

    @property
    def _middle(self) -> float:
        """MNIST's centre of mass is the pixel (14, 14), whose middle is at 14.5."""
        return self.size / 2 + (0.5 if self.center == "mass" else 0)

    def _normalize(self, stack: images.Stack) -> images.Stack:
        ink = images.find_ink(stack)
        floor = 0.4 * ink.threshold
        field = self._place(_above(ink.contrast, floor), ink)
        full = _full_ink(field)
        if stack.shape[1:] == (self.size, self.size):
            here = self._in_place(ink)
            field[here] = _above(ink.contrast, np.minimum(floor, 2 * ink.noise))[here]
            full[here] = _full_ink(ink.contrast * ink.mask)[here]
        field /= np.maximum(full, 1e-6)[:, None, None]
        field[ink.blank] = 0
        return np.clip(field, 0, 1)

    def _place(self, inked: images.Stack, ink: images.Ink) -> images.Stack:
        """The ink, scaled to the box and centred; all of the picture where no ink is clear."""
        boxes = np.where(ink.clear[:, None], ink.boxes, (0, 0, *inked.shape[1:]))
        scale = np.where(ink.clear, self.box, self.size) / _longer(boxes)
        source = (boxes[:, :2] + boxes[:, 2:]) / 2
        target = np.full_like(source, self.size / 2)
        if self.center == "mass":
            source[ink.clear] = _mass(ink)[ink.clear]
            target[ink.clear] = self._middle
        field = images.resample(inked, scale, source, target, self.size)
        # Nothing beyond the box: the paper's texture is not ink.
        low = np.floor((boxes[:, :2] - source) * scale[:, None] + target)
        high = np.ceil((boxes[:, 2:] - source) * scale[:, None] + target)
        at = np.arange(self.size)
        rows = (at >= low[:, :1]) & (at < high[:, :1])
        columns = (at >= low[:, 1:]) & (at < high[:, 1:])
        return field * (rows[:, :, None] & columns[:, None, :])

    def _in_place(self, ink: images.Ink) -> NDArray[np.bool_]:
        """Whose ink needs no moving, as far as the noise lets one tell; then moving harms."""
        off = np.abs(_mass(ink) - self._middle).max(axis=1)
        size_right = abs(_longer(ink.boxes) - self.box) <= 2.5 + 10 * ink.noise
        return ~ink.clear | (size_right & (off <= 1.5 + 4 * ink.noise))


def _above(contrast: images.Stack, floor: NDArray[np.float32]) -> images.Stack:
    return np.maximum(contrast - floor[:, None, None], 0)


def _longer(boxes: NDArray[Any]) -> NDArray[Any]:
    return np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])


def _mass(ink: images.Ink) -> NDArray[np.float32]:
    return images.centres_of_mass(np.where(ink.mask, np.maximum(ink.contrast, 0), np.float32(0)))


def _around_ink(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """A large picture shrunk to a working size; if its ink is small, cut to its surroundings."""
    small = images.shrink(picture, _WORK)
    if small is picture:
        return picture
    top, left, bottom, right = images.find_ink(small[None], broadest=_PEN).boxes[0]
    longer = max(bottom - top, right - left)
    if longer == 0 or longer > max(small.shape) / 2:
        return small
    factor = max(picture.shape) / max(small.shape)
    margin = longer // 2 + 2
    rows = slice(int(max(0, top - margin) * factor), int((bottom + margin) * factor))
    columns = slice(int(max(0, left - margin) * factor), int((right + margin) * factor))
    near = images.shrink(picture[rows, columns], _WORK)
    # Here the ink is known to fill half of the picture: nothing broad can be a stroke.
    return np.clip(images.find_ink(near[None], broadest=2 * _PEN).contrast[0], 0, 1)


def _full_ink(field: images.Stack) -> NDArray[np.float32]:
    """The contrast of full ink, (n,): half of each picture's ink exceeds it, as in MNIST."""
    falling = -np.sort(-field.reshape(len(field), -1), axis=1)
    count = (falling > 0.3 * falling[:, :1]).sum(axis=1)
    full = falling[np.arange(len(field)), (0.5 * count).astype(np.intp)]
    return np.where(full > 0, full, 1)
