"""Any picture of a digit, made to look like one of MNIST's.

MNIST's authors scaled each digit's ink to a box of 20×20 pixels, keeping its aspect, and put its
centre of mass at the centre of a field of 28×28 (LeCun et al., Gradient-based learning applied to
document recognition, 1998). :class:`DigitNormalizer` does the same to pictures that are not as
clean as theirs were: the paper is found and taken away first. A picture that already is as they
made them passes unchanged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from bpapps import images

_CHUNK = 4_000_000  # pixels worked on at once
_FAINT = 0.02  # what counts as ink in a clean picture


class DigitNormalizer(TransformerMixin, BaseEstimator):
    """Pictures of digits -> rows of size·size values in [0, 1], ink bright.

    Parameters
    ----------
    size : int
        Side of the field, pixels.
    box : int
        Side of the box that the ink is scaled to.
    center : {"mass", "box"}
        What is put at the field's centre: the ink's centre of mass, or of its box.

    """

    def __init__(self, size: int = 28, box: int = 20, center: str = "mass"):
        self.size = size
        self.box = box
        self.center = center

    def fit(self, X: Any, y: Any = None) -> DigitNormalizer:
        """Nothing to learn."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Normalised pictures, float32 (n, size·size); a blank picture gives zeros."""
        pictures = images.as_pictures(X)
        out = np.zeros((len(pictures), self.size * self.size), dtype=np.float32)
        for places, stack in images.by_shape(pictures):
            step = max(1, _CHUNK // max(1, stack[0].size))
            for i in range(0, len(stack), step):
                part = stack[i : i + step]
                out[places[i : i + step]] = self._transform_stack(part).reshape(len(part), -1)
        return out

    def _transform_stack(self, stack: images.Stack) -> images.Stack:
        if stack.shape[1:] != (self.size, self.size):
            return self._normalize(stack)
        ready = self._is_normal(stack)
        out = stack.copy()
        if not ready.all():
            out[~ready] = self._normalize(stack[~ready])
        return np.clip(out, 0, 1)

    def _is_normal(self, stack: images.Stack) -> NDArray[np.bool_]:
        """Which pictures of the field's size are as MNIST's authors (or the 8×8's) left them."""
        if self.center == "box":
            ring = np.concatenate(
                [stack[:, 0], stack[:, -1], stack[:, 1:-1, 0], stack[:, 1:-1, -1]], axis=1
            )
            return np.median(ring, axis=1) <= 0.3 * stack.max(axis=(1, 2))
        boxes = images.bounding_boxes(stack > _FAINT)
        longer = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
        off = np.abs(images.centres_of_mass(stack) - (self.size / 2 + 0.5)).max(axis=1)
        strong = stack.max(axis=(1, 2)) > 0.7
        return strong & (abs(longer - self.box) <= 1) & (off <= 1.5)

    def _normalize(self, stack: images.Stack) -> images.Stack:
        n, h, w = stack.shape
        contrast = images.remove_shadows(images.ink_contrast(stack))
        soft = images.smooth(contrast, max(0.7, max(h, w) / 48))
        threshold = 0.8 * images.otsu(soft)
        mask = images.drop_specks(soft > threshold[:, None, None], soft)
        boxes = images.bounding_boxes(mask).astype(np.float32)
        inked = boxes[:, 2] > 0
        boxes[~inked] = (0, 0, h, w)
        longer = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
        scale = self.box / longer
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        if self.center == "mass":
            source = images.centres_of_mass(np.where(mask, soft, 0))
            source[~inked] = middle[~inked]
            target = np.full_like(source, self.size / 2 + 0.5)
        else:
            source, target = middle, np.full_like(middle, self.size / 2)
        floor = 0.4 * threshold[:, None, None]
        field = images.resample(np.maximum(contrast - floor, 0), scale, source, target, self.size)
        # Nothing beyond the box: the paper's texture is not ink.
        low = np.floor((boxes[:, :2] - source) * scale[:, None] + target)
        high = np.ceil((boxes[:, 2:] - source) * scale[:, None] + target)
        at = np.arange(self.size)
        rows = (at >= low[:, :1]) & (at < high[:, :1])
        columns = (at >= low[:, 1:]) & (at < high[:, 1:])
        field *= rows[:, :, None] & columns[:, None, :]
        full = _full_ink(field)
        return np.clip(field / full[:, None, None], 0, 1)


def _full_ink(field: images.Stack) -> NDArray[np.float32]:
    """The contrast of full ink, (n,): two fifths of each picture's ink exceed it, as in MNIST."""
    falling = -np.sort(-field.reshape(len(field), -1), axis=1)
    count = (falling > 0.3 * falling[:, :1]).sum(axis=1)
    full = falling[np.arange(len(field)), (0.4 * count).astype(np.intp)]
    return np.where(full > 0, full, 1).astype(np.float32)
