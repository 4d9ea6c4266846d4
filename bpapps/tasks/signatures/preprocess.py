"""Any picture of a signature as its ink by itself, at one size.

A scan and a phone's photo of the same signature differ in light, tint, grain, size and place,
and the paper may have a ruled line. None of these is the writer's. So :class:`SignatureNormalizer`
finds the paper and takes it away, drops ruled lines and specks, and turns the ink level and scales
it to fill a field, its aspect kept.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bpapps.pictures.arrays import as_pictures
from bpapps.pictures.ink import quantile
from bpapps.pictures.normalizer import Normalizer, are_rows
from bpapps.tasks.signatures.paper import FAINTEST, Gray, find_ink_near, two_tone
from bpapps.tasks.signatures.placing import place
from bpapps.tasks.signatures.thinning import drawn, halve, thin

_MARGIN = 4  # pixels of the field that are left free on each side
_EQUAL = 5  # width of strokes that are made equal, in half pixels of the field
_FULL = 0.9  # which quantile of the ink is full ink


class SignatureNormalizer(Normalizer):
    """Pictures of signatures -> rows of height·width values in [0, 1], ink bright.

    Stateless. Takes whatever :func:`bpapps.pictures.arrays.as_pictures` takes, and rows of its
    own as they are. A blank picture gives zeros.

    Parameters
    ----------
    height, width : int, default=96, 192
        Of the field, in pixels.
    strokes : {"as they are", "equal"}, default="as they are"
        Whether the ink keeps its grays and its width, or each stroke is thinned to its middle
        line and drawn anew, black and two and a half pixels wide: then neither the pen nor the
        scanner can tell one signature from another.

    """

    def __init__(
        self,
        height: int = 96,
        width: int = 192,
        strokes: Literal["as they are", "equal"] = "as they are",
    ):
        self.height = height
        self.width = width
        self.strokes = strokes

    def _check(self) -> None:
        if self.strokes not in ("as they are", "equal"):
            raise ValueError(f"strokes={self.strokes!r}; it is 'as they are' or 'equal'")
        if min(self.height, self.width) <= 2 * _MARGIN:
            raise ValueError(
                f"height={self.height}, width={self.width}; "
                f"a field has more than {2 * _MARGIN} pixels a side"
            )

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Normalised pictures, float32 (n, height·width); a blank picture gives zeros."""
        self._check()
        if are_rows(X, self.height * self.width):
            return X
        pictures = as_pictures(X)
        out = np.zeros((len(pictures), self.height * self.width), dtype=np.float32)
        for row, picture in zip(out, pictures, strict=True):
            row[:] = self._normalize(picture).ravel()
        return out

    def inspect(self, picture: Any) -> str | None:
        """Why a picture cannot be a signature, in a few words; None if it can.

        picture: an array (h, w) or (h, w, 1 | 3 | 4), a PIL image or a path.
        """
        gray, ink = find_ink_near(as_pictures([picture])[0])
        if two_tone(gray) and ink.level < FAINTEST:
            return "the ink is one solid block"
        if ink.level < 5 * ink.grain:
            return "no ink stands out from the grain"
        if ink.level < FAINTEST:
            return "no ink was found"
        height, width = np.ptp(np.argwhere(ink.mask), axis=0) + 1
        if max(height, width) < 0.05 * max(gray.shape) or max(height, width) < 8:
            return "the ink is only a dot"
        if ink.mask.sum() > 0.7 * height * width and min(height, width) > 8:
            return "the ink is one solid block"
        return None

    def _normalize(self, picture: Gray) -> Gray:
        _, ink = find_ink_near(picture)
        if ink.level < FAINTEST:
            return np.zeros((self.height, self.width), dtype=np.float32)
        if self.strokes == "equal":
            fine = place(ink, (2 * self.height, 2 * self.width), 2 * _MARGIN)
            return halve(drawn(thin(fine > 0.35 * _full(fine)), _EQUAL))
        field = place(ink, (self.height, self.width), _MARGIN)
        return np.minimum(field / _full(field), 1)


def _full(field: Gray) -> float:
    """The contrast of full ink: the contrast of its darkest tenth."""
    values = field[field > 0.2 * field.max()]
    return float(quantile(values, _FULL)) if len(values) else 1.0
