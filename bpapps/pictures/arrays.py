"""Pictures as arrays: whatever holds them becomes gray float32 in [0, 1], one size or many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bpapps.pictures.files import PictureError, _on_paper, gray, read_picture

if TYPE_CHECKING:
    pass

Stack = NDArray[np.float32]  # (n, h, w)


Mask = NDArray[np.bool_]  # (n, h, w)


Pictures = Stack | list[NDArray[np.float32]]  # equal sizes; or (h, w) each, of any sizes


def as_pictures(X: Any) -> Pictures:
    """Gray pictures in [0, 1] from whatever holds pictures.

    X: an array (n, h, w), (n, h, w, 1 | 3 | 4) or (n, h·h), or a list of arrays (h, w) or
    (h, w, 1 | 3 | 4), PIL images and paths, of any sizes. Integers of 8 and 16 bits and booleans
    are scaled by their type; other numbers by the largest of the batch: up to 1 as they are, up
    to 16 over 16 (scikit-learn's digits), up to 255 over 255. Noise may carry a picture of the
    range [0, 1] a little beyond it: up to 2 and down to -1 is clipped.
    Raises ValueError for anything else, NaN and infinity included, PictureError for a picture
    without pixels.
    """
    if isinstance(X, str | Path):
        raise ValueError("X is one path; give a list of pictures")
    if hasattr(X, "to_numpy"):  # a data frame
        X = X.to_numpy()
    if isinstance(X, np.ndarray) and X.dtype != object:
        X = _square(X)
        _deny_no_pixels(X[:1] if X.ndim else [])
        return _one_channel(_scale([X])[0], 3)
    items = [_as_array(item) for item in X]
    if items and all(item.ndim == 1 for item in items):
        return as_pictures(np.array(items))
    _deny_no_pixels(items)
    return [_one_channel(item, 2) for item in _scale(items)]


def take(pictures: Any, rows: NDArray[np.intp]) -> Any:
    """These rows of an array, or of a list of pictures of different sizes."""
    return pictures[rows] if isinstance(pictures, np.ndarray) else [pictures[i] for i in rows]


def by_shape(pictures: Pictures) -> Iterator[tuple[NDArray[np.intp], Stack]]:
    """Pictures of equal size: (their places in ``pictures``, the stack of these pictures)."""
    if isinstance(pictures, np.ndarray):
        yield np.arange(len(pictures)), pictures
        return
    places: dict[tuple[int, ...], list[int]] = {}
    for i, picture in enumerate(pictures):
        places.setdefault(picture.shape, []).append(i)
    for where in places.values():
        yield np.array(where), np.stack([pictures[i] for i in where])


def _square(X: NDArray[Any]) -> NDArray[Any]:
    """Rows of pixels (n, h·h) as pictures (n, h, h); other shapes as they are."""
    if X.ndim != 2:
        return X
    side = round(X.shape[1] ** 0.5)
    if side * side != X.shape[1]:
        raise ValueError(
            f"X has shape {X.shape}, and {X.shape[1]} pixels a row are not a square; "
            "give pictures of shape (n, height, width)"
        )
    return X.reshape(len(X), side, side)


def _deny_no_pixels(arrays: Iterable[NDArray[Any]]) -> None:
    for i, array in enumerate(arrays):
        if array.size == 0:
            raise PictureError(f"X[{i}] has the shape {array.shape}; a picture has pixels")


def _as_array(item: Any) -> NDArray[Any]:
    if isinstance(item, str | Path):
        return read_picture(item)
    if hasattr(item, "getbands"):
        return gray(item)
    return np.asarray(item)


_RANGES = {"uint8": 255.0, "uint16": 65535.0, "bool": 1.0}


def _scale(arrays: list[NDArray[Any]]) -> list[NDArray[np.float32]]:
    for a in arrays:
        if a.dtype.kind not in "buif":
            raise ValueError(f"X holds {a.dtype} values; pictures are numbers")
    loose = [a for a in arrays if a.dtype.name not in _RANGES and a.size]
    low = min((float(a.min()) for a in loose), default=0.0)
    top = max((float(a.max()) for a in loose), default=1.0)
    if not (np.isfinite(low) and np.isfinite(top)):
        raise ValueError("X contains NaN or infinity; pictures are finite numbers")
    if top > 255 or low < (-1 if top <= 2 else 0):
        raise ValueError(f"X ranges over {low:g} to {top:g}; scale it to 0..1, 0..16 or 0..255")
    unstated = 1.0 if top <= 2 else 16.0 if top <= 16 else 255.0
    scaled = []
    for a in arrays:
        b = a.astype(np.float32)
        b *= np.float32(1 / _RANGES.get(a.dtype.name, unstated))
        scaled.append(b if low >= 0 and top <= unstated else np.clip(b, 0, 1))
    return scaled


_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def _one_channel(x: NDArray[np.float32], ndim: int) -> NDArray[np.float32]:
    """(…, h, w, 1 | 3 | 4) as (…, h, w); ``ndim`` counts no channels."""
    if x.ndim == ndim:
        return x
    if x.ndim != ndim + 1 or x.shape[-1] not in (1, 3, 4):
        expected = "(n, h, w), (n, h, w, 1|3|4) or (n, h·h)" if ndim == 3 else "(h, w[, 1|3|4])"
        raise ValueError(f"a picture array has shape {x.shape}; expected {expected}")
    if x.shape[-1] == 1:
        return x[..., 0]
    luma = x[..., :3] @ _LUMA
    if x.shape[-1] == 3:
        return luma
    if ndim == 2:
        return _on_paper(luma, x[..., 3])
    return np.stack([_on_paper(*pair) for pair in zip(luma, x[..., 3], strict=True)])


def shrink(picture: NDArray[np.float32], longest: int) -> NDArray[np.float32]:
    """The picture (h, w) averaged over whole blocks, until no side is above ``longest``."""
    from PIL import Image

    factor = -(-max(picture.shape) // longest)
    if factor <= 1:
        return picture
    return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).reduce(factor))
