"""Any picture of a character as two: its ink by itself, and the ink in its place.

Scaled to one size, ``o`` and ``O`` are alike, and so are ``l`` and a tall ``I``: what tells them
apart is how large they are and where they stand. So :class:`CharacterNormalizer` gives a net two
channels. In the first the ink fills the field, whatever its size was; the second is the whole
picture at half its own scale: in a line of text, the line's scale. It is empty where the
ink fills the picture, for such a crop says nothing of the size. Both hold nothing but ink: the
paper is found and taken away. A photo of handwriting has no line to go by; there the size of the
ink and of the pen's stroke may be given in numbers besides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.pictures import shapes
from bpapps.pictures.arrays import Stack, as_pictures
from bpapps.pictures.ink import Ink, above, find_ink, full_ink, map_pictures, why_not_one
from bpapps.pictures.normalizer import Normalizer, are_rows

_STEEPEST = 0.4  # the most that is taken for slant
SIZES = {"height": (18.0, 0.3), "width": (16.0, 0.35), "stroke": (2.35, 0.2), "edge": (1.16, 0.3)}
"""What the further values tell: what is usual, and the deviation of the logarithm.

Height, width and stroke are in pixels; the edge is how steeply the picture falls from paper to ink
at its steepest, in contrasts of the ink a pixel: small writing, taken from near, is softer.
"""
_STEEP = 97  # percentile of all falls that is taken for the steepest
_TIGHT = 0.93  # share of a side that ink takes in a crop to the ink


class CharacterNormalizer(Normalizer):
    """Pictures of characters -> rows of size·size·2 values in [0, 1], ink bright.

    Row by row, the two channels of a pixel side by side; then :data:`SIZES`, if asked for.
    Stateless. Takes whatever
    :func:`bpapps.pictures.arrays.as_pictures` takes, and rows of its own as they are.

    Parameters
    ----------
    size : int, default=28
        Side of the field, in pixels.
    box : int, default=24
        Side of the square that the ink is scaled to fill in the first channel.
    widen : bool, default=False
        Whether narrow (or flat) ink is widened there, as in the aspect ratio adaptive
        normalisation of Liu et al. (Pattern Recognition, 2003), or else its aspect kept. Narrow
        print needs it, for its strokes come to lie closer than a pixel.
    upright : bool, default=False
        Whether slanted ink is set upright in the first channel.
    sizes : bool, default=False
        Whether four more values tell the height and width of the ink, the breadth of its strokes
        and the steepness of their edges (:data:`SIZES`): logarithms, 0 what is usual in a photo
        of one character, 1 a deviation more, at most 3.

    """

    def __init__(
        self,
        size: int = 28,
        box: int = 24,
        widen: bool = False,
        upright: bool = False,
        sizes: bool = False,
    ):
        self.size = size
        self.box = box
        self.widen = widen
        self.upright = upright
        self.sizes = sizes

    def _check(self) -> None:
        if not 1 <= self.box <= self.size:
            raise ValueError(f"box={self.box}, size={self.size}; the box must fit the field")

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Normalised pictures, float32 (n, size·size·2); a blank picture gives zeros."""
        self._check()
        if are_rows(X, self._length):
            return X
        return map_pictures(self._transform_stack, X, (self._length,))

    @property
    def _length(self) -> int:
        return 2 * self.size**2 + len(SIZES) * self.sizes

    def inspect(self, picture: Any) -> str | None:
        """Why a picture cannot be a character, in a few words; None if it can.

        picture: an array (h, w) or (h, w, 1 | 3 | 4), a PIL image or a path.
        """
        gray = as_pictures([picture])[0]
        return why_not_one(gray, "character", crowded=True)

    def _transform_stack(self, stack: Stack) -> NDArray[np.float32]:
        ink = find_ink(stack, crowded=True)
        inked = above(ink.contrast, 0.4 * ink.threshold)
        alone = self._alone(inked, ink)
        fields = np.stack([alone, self._in_place(inked, ink)], axis=3)
        fields /= np.maximum(full_ink(alone), 1e-6)[:, None, None, None]
        fields[ink.blank] = 0
        rows = np.clip(fields, 0, 1).reshape(len(fields), -1)
        return np.concatenate([rows, _sizes(ink)], axis=1) if self.sizes else rows

    def _alone(self, inked: Stack, ink: Ink) -> Stack:
        """The ink, scaled to the box and centred; all of the picture where no ink is clear."""
        if self.upright:
            inked, ink = _upright(inked, ink)
        boxes = np.where(ink.clear[:, None], ink.boxes, (0, 0, *inked.shape[1:]))
        scale = self._scale(boxes)
        source = (boxes[:, :2] + boxes[:, 2:]) / 2
        field = shapes.resample(inked, scale, source, self._middle(source), self.size)
        # Nothing beyond the box: the paper's texture is not ink.
        half = (boxes[:, 2:] - boxes[:, :2]) * scale / 2 + 0.5
        off = np.abs(np.arange(self.size) + 0.5 - self.size / 2)
        inside = off <= half[:, :, None]
        return field * (inside[:, 0, :, None] & inside[:, 1, None, :])

    def _scale(self, boxes: NDArray[np.intp]) -> NDArray[Any]:
        """By what each axis is scaled, (n, 2)."""
        sides = boxes[:, 2:] - boxes[:, :2]
        shares = sides / shapes.longer_sides(boxes)[:, None]
        if self.widen:
            return self.box * np.sqrt(np.sin(np.pi / 2 * shares)) / sides
        return self.box * shares / sides

    def _in_place(self, inked: Stack, ink: Ink) -> Stack:
        """The whole picture at half its size, or shrunk to fit."""
        n, height, width = inked.shape
        scale = np.full(n, min(0.5, self.size / max(height, width)))
        source = np.broadcast_to(np.array([height / 2, width / 2]), (n, 2))
        shown = np.where(ink.clear[:, None, None], inked * shapes.near(ink.mask), inked)
        shown[_fills(ink)] = 0
        return shapes.resample(shown, scale, source, self._middle(source), self.size)

    def _middle(self, like: NDArray[Any]) -> NDArray[Any]:
        return np.full(like.shape, self.size / 2)


def _sizes(ink: Ink) -> NDArray[np.float32]:
    """The values of :data:`SIZES`, (n, 4); 0 where there is no ink, as in a single pixel."""
    if ink.mask[0].size == 1:
        return np.zeros((len(ink.mask), len(SIZES)), dtype=np.float32)
    sides = (ink.boxes[:, 2:] - ink.boxes[:, :2]).T
    area = ink.mask.sum(axis=(1, 2))
    edges = [(np.diff(ink.mask, axis=axis) != 0).sum(axis=(1, 2)) for axis in (1, 2)]
    stroke = 2 * area / np.maximum(edges[0] + edges[1], 1)
    falls = [np.abs(np.diff(ink.contrast, axis=axis)).reshape(len(area), -1) for axis in (1, 2)]
    edge = np.percentile(np.concatenate(falls, axis=1), _STEEP, axis=1)
    edge /= np.maximum(ink.level, 0.02)
    usual = np.array(list(SIZES.values()))
    found = [*np.maximum([*sides, stroke], 0.5), np.maximum(edge, 0.05)]
    values = (np.log(found).T - np.log(usual[:, 0])) / usual[:, 1]
    return np.where(ink.blank[:, None], 0, np.clip(values, -3, 3)).astype(np.float32)


def _fills(ink: Ink) -> NDArray[np.bool_]:
    """Which pictures the ink all but fills, from top to bottom or from side to side, (n,)."""
    sides = np.array(ink.mask.shape[1:])
    return np.any(ink.boxes[:, 2:] - ink.boxes[:, :2] >= _TIGHT * sides, axis=1)


def _upright(inked: Stack, ink: Ink) -> tuple[Stack, Ink]:
    """Pictures sheared so that their ink stands upright, with room for what leans out."""
    room = inked.shape[1] // 4
    wide = np.pad(inked * shapes.near(ink.mask), ((0, 0), (0, 0), (room, room)))
    inside = np.pad(ink.mask, ((0, 0), (0, 0), (room, room))).astype(np.float32)
    slope = np.clip(shapes.slants(wide), -_STEEPEST, _STEEPEST)
    mask = shapes.shear(inside, slope) > 0.5
    return shapes.shear(wide, slope), ink._replace(mask=mask, boxes=shapes.bounding_boxes(mask))
