"""What may give a signature away without being the writer's: the trivial features of a picture.

Genuine and forged signatures of a data set may have been scanned, cut or inked differently. A net
that goes by such differences has learned nothing of writers. Each trait here is one number a
picture, and two pictures' difference in it a score that a net must beat by far.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.pictures.arrays import as_pictures
from bpapps.tasks.signatures.paper import find_ink, to_working_size
from bpapps.tasks.signatures.thinning import thin

CORRUPTIONS = ("blur", "gaussian", "resolution", "ruled line", "stamp", "thickness", "rotation")
"""What questioned signatures are put through in a report."""

TRAITS = (
    "left margin",
    "top margin",
    "right margin",
    "bottom margin",
    "stroke width",
    "ink gray",
    "gray spread",
    "aspect",
    "ink area",
    "picture height",
    "picture width",
)


def traits(pictures: Any) -> dict[str, NDArray[np.float64]]:
    """The trivial features of n pictures as they are given: name -> (n,), in :data:`TRAITS`' order.

    Margins, from the picture's edge to the ink, the stroke width and the picture's sides are in
    pixels of the given picture, the ink's area in square ones. The ink's gray, its mean, and the
    gray spread, its standard deviation, are measured in the given grays, 0 black to 1 white. The
    aspect is the ink's width by its height. Without ink there are only sides, and the rest is 0.

    pictures: whatever :func:`bpapps.pictures.arrays.as_pictures` takes.
    """
    rows = [_measure(picture) for picture in as_pictures(pictures)]
    table = np.array(rows, dtype=np.float64).reshape(-1, len(TRAITS))
    return dict(zip(TRAITS, table.T, strict=True))


def _measure(picture: NDArray[np.float32]) -> list[float]:
    gray = to_working_size(picture)
    mask = find_ink(gray).mask
    height, width = picture.shape
    if not mask.any():
        return [0.0] * (len(TRAITS) - 2) + [height, width]
    factor = max(picture.shape) / max(gray.shape)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom = factor * rows[0], factor * (rows[-1] + 1)
    left, right = factor * columns[0], factor * (columns[-1] + 1)
    inked, grays = np.count_nonzero(mask), gray[mask]
    return [
        *(left, top, width - right, height - bottom),
        factor * inked / np.count_nonzero(thin(mask)),
        *(grays.mean(), grays.std()),
        (right - left) / (bottom - top),
        factor * factor * inked,
        *(height, width),
    ]
