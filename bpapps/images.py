"""User pictures, safely decoded; and the ink operations that tasks share.

The first half turns what a user has (files, PIL images, arrays of any size, range and number of
channels) into gray pictures, float32 in [0, 1]. The second half finds handwriting on paper. It
works on a *stack* of pictures, shape (n, h, w), all at once; one picture is a stack of one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpapps.core.threads import team

if TYPE_CHECKING:
    from PIL.Image import Image

Stack = NDArray[np.float32]  # (n, h, w)
Mask = NDArray[np.bool_]  # (n, h, w)
Pictures = Stack | list[NDArray[np.float32]]  # equal sizes; or (h, w) each, of any sizes

MAX_PIXELS = 50_000_000
MIN_SIDE = 4
WORK = 112  # longest side, in pixels, that ink is looked for in
_CHUNK = 2_000_000  # pixels worked on at once
_PEN = 0.1  # the broadest stroke in a large picture, of its longer side
# Formats whose decoders run nothing else: EPS, for one, would start an interpreter.
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP", "PPM")


class PictureError(ValueError):
    """A picture that cannot be used: which one, what is wrong, and what to do."""


# ------------------------------------------------------------------ files


def read_picture(path: str | Path) -> NDArray[np.float32]:
    """The picture in a file, gray, (h, w) in [0, 1], turned upright as its EXIF data says.

    Raises PictureError, one line that names the file, for whatever is not one readable picture
    of at least 4 pixels a side and at most 50 megapixels.
    """
    path = Path(path)
    if path.is_dir():
        raise PictureError(f"{path} is a folder; give the pictures in it")
    try:
        if path.stat().st_size == 0:
            raise PictureError(f"{path} is empty; give a picture file")
        with path.open("rb") as file:
            return _decode(file, str(path))
    except FileNotFoundError:
        raise PictureError(f"{path} does not exist; check the name") from None
    except PermissionError:
        raise PictureError(f"{path} may not be read; check its permissions") from None
    except OSError as error:
        raise PictureError(f"{path} cannot be read ({error.strerror or error})") from None


def _decode(file: Any, name: str) -> NDArray[np.float32]:
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of huge sizes and odd metadata: checked below
        try:
            with Image.open(file, formats=FORMATS) as image:
                return gray(image, name)
        except PictureError:
            raise
        except UnidentifiedImageError:
            raise PictureError(
                f"{name} is not a picture; give a PNG, JPEG, BMP, TIFF, GIF or WebP file"
            ) from None
        except Image.DecompressionBombError:
            raise PictureError(_too_large(name)) from None
        except Exception as error:  # a decoder meets broken data with whatever it trips over
            reason = str(error) or type(error).__name__
            raise PictureError(
                f"{name} is damaged or cut short ({reason}); save or download it again"
            ) from None


def _too_large(name: str) -> str:
    return f"{name} has more than {MAX_PIXELS // 10**6} megapixels; scale it down or crop it"


def gray(image: Image, name: str = "the picture") -> NDArray[np.float32]:
    """A PIL image as gray values, (h, w) in [0, 1]. Its size is checked before it is decoded.

    Transparent parts show white paper, or black where that keeps more contrast (light ink).
    Raises PictureError for several frames and for sizes out of bounds.
    """
    from PIL import ImageOps

    width, height = image.size
    if min(width, height) < MIN_SIDE:
        raise PictureError(
            f"{name} is only {width}×{height} pixels; give one of at least {MIN_SIDE} a side"
        )
    if width * height > MAX_PIXELS:
        raise PictureError(f"{_too_large(name)} ({width}×{height})")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # a phone's JPEG with a preview or depth map
        raise PictureError(f"{name} has {frames} frames; give one picture")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        return np.asarray(image, dtype=np.float32) / np.float32(65535)
    if image.mode in ("I", "F"):
        return _deep(np.asarray(image, dtype=np.float32), name)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = np.asarray(image.getchannel("A"), dtype=np.float32) / np.float32(255)
        return _on_paper(_eight_bit(image.convert("RGB")), alpha)
    return _eight_bit(image if image.mode in ("1", "L") else image.convert("RGB"))


def _eight_bit(image: Image) -> NDArray[np.float32]:
    return np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255)


def _deep(values: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """Integers or fractions of unstated range: the least usual one that holds them."""
    low, top = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(top)) or low < 0 or top > 65535:
        raise PictureError(f"{name} holds values out of range; save it with 8 or 16 bits")
    return values / np.float32(1 if top <= 1 else 255 if top <= 255 else 65535)


def _on_paper(ink: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    on_black = ink * alpha
    on_white = on_black + (1 - alpha)
    return on_white if on_white.std() >= on_black.std() else on_black


# ------------------------------------------------------------------ arrays


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
    """Groups of equal size: (their places in ``pictures``, the stack of them)."""
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
    """(…, h, w, 1 | 3 | 4) as (…, h, w); ``ndim`` is that of pictures without channels."""
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


# ------------------------------------------------------------------ ink


class Ink(NamedTuple):
    """What :func:`find_ink` saw in each of n pictures.

    contrast: to the paper, ink positive, (n, h, w). mask: where the ink is. boxes: of the mask,
    top, left, bottom, right, the latter two exclusive, (n, 4). level: the ink's mean contrast.
    threshold: the least contrast that counts as ink. noise: the standard deviation of the
    paper's grain. blank: an even surface. clear: ink that no grain could be taken for. Each (n,).
    """

    contrast: Stack
    mask: Mask
    boxes: NDArray[np.intp]
    level: NDArray[np.float32]
    threshold: NDArray[np.float32]
    noise: NDArray[np.float32]
    blank: NDArray[np.bool_]
    clear: NDArray[np.bool_]

    def centres(self) -> NDArray[np.float32]:
        """Row and column of the ink's centre of mass, (n, 2)."""
        return centres_of_mass(np.where(self.mask, np.maximum(self.contrast, 0), np.float32(0)))


def find_ink(stack: Stack, broadest: float = 0.4, crowded: bool = False) -> Ink:
    """Tell the ink from the paper: either may be the darker, and the light may be uneven.

    Evenly lit paper is a smooth surface; a shadow on it is known by being broader than any
    stroke, ``broadest`` of the picture's longer side. Noise does not throw it: what is ink is
    decided on a smoothed copy, the contrast is not smoothed. ``crowded``: the ink may be more than
    the paper, as in tight crops of bold print; where in doubt it is the darker.
    """
    side = max(stack.shape[1:])
    blur = max(0.7, side / 48)
    ink_bright = stack * polarity(stack, blur, 0.3 * broadest * side, crowded)[:, None, None]
    # A narrow window follows any light by itself; a broad one would take a lamp's halo for ink,
    # and needs to be told that beyond the edge, where a stroke may run along, there is paper.
    even = broadest > 0.3
    contrast = ink_bright - fit_paper(ink_bright, plane=crowded) if even else ink_bright
    noise = grain(contrast)
    noisy = noise > 0.15
    blurs = np.where(noisy, 2 * blur, blur)
    soft = smooth(contrast, blur)
    if noisy.any():
        soft[noisy] = smooth(contrast[noisy], 2 * blur)
    shadow = opening(soft, round(broadest * side), 0.0 if even else None)
    contrast, soft = contrast - shadow, soft - shadow
    if crowded and (flat := two_toned(ink_bright)).any():  # no light or shadow to take away
        contrast[flat] = ink_bright[flat] - ink_bright[flat].min(axis=(1, 2), keepdims=True)
        soft[flat] = smooth(contrast[flat], blur)
    rest = _mean_where(soft < 0.8 * otsu(soft)[:, None, None], contrast)
    contrast, soft = contrast - rest, soft - rest
    threshold = 0.8 * otsu(soft)
    mask = drop_specks(soft > threshold[:, None, None], soft)
    level = _mean_where(mask, soft).ravel()
    blank = level < 0.03
    soft_noise = noise / (2 * np.sqrt(np.pi) * blurs)  # what the blur leaves of white noise
    clear = ~blank & (level > 3 * soft_noise)
    return Ink(contrast, mask, bounding_boxes(mask), level, threshold, noise, blank, clear)


def around_ink(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """A large picture shrunk to a working size; if its ink is small, cut to its surroundings."""
    small = shrink(picture, WORK)
    if small is picture:
        return picture
    top, left, bottom, right = find_ink(small[None], broadest=_PEN).boxes[0]
    longer = max(bottom - top, right - left)
    if longer == 0 or longer > max(small.shape) / 2:
        return small
    factor = max(picture.shape) / max(small.shape)
    margin = longer // 2 + 2
    rows = slice(int(max(0, top - margin) * factor), int((bottom + margin) * factor))
    columns = slice(int(max(0, left - margin) * factor), int((right + margin) * factor))
    near = shrink(picture[rows, columns], WORK)
    # Here the ink is known to fill half of the picture: nothing broad can be a stroke.
    return np.clip(find_ink(near[None], broadest=2 * _PEN).contrast[0], 0, 1)


def map_pictures(
    change: Callable[[Stack], Stack], X: Any, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """What ``change`` makes of stacks of pictures, (n, *shape); large ones are shrunk before.

    X: whatever :func:`as_pictures` takes.
    """
    pictures = as_pictures(X)
    if isinstance(pictures, list) or max(pictures.shape[1:]) > WORK:
        pictures = [around_ink(picture) for picture in pictures]
    out = np.zeros((len(pictures), *shape), dtype=np.float32)
    for places, stack in by_shape(pictures):
        step = max(1, _CHUNK // max(1, stack.shape[1] * stack.shape[2]))
        for i in range(0, len(stack), step):
            out[places[i : i + step]] = change(stack[i : i + step])
    return out


def why_not_one(picture: NDArray[np.float32], what: str, crowded: bool = False) -> str | None:
    """Why a picture (h, w) cannot be one ``what``, in a few words; None if it can."""
    ink = find_ink(around_ink(picture)[None], crowded=crowded)
    if ink.blank[0]:
        return "no ink was found"
    if not ink.clear[0]:
        return "no ink stands out from the grain"
    top, left, bottom, right = ink.boxes[0]
    inside = ink.contrast[0, top:bottom, left:right]
    broad = min(inside.shape) > max(8, max(inside.shape) / 2)  # not a 1, nor a few pixels
    # Not by the mask: it is of a smoothed copy, in which the gaps of a bold letter fill.
    if broad and (inside > 0.6 * ink.level[0]).mean() > 0.85:
        return "the ink is one solid block"
    pieces = count_pieces(ink.mask)[0]
    if pieces > 4:
        return f"the ink is in {pieces} places; give one {what} a picture"
    return None


def above(contrast: Stack, floor: NDArray[np.float32]) -> Stack:
    """By how much each picture's contrast exceeds its floor, (n,); 0 where it does not."""
    return np.maximum(contrast - floor[:, None, None], 0)


def full_ink(field: Stack) -> NDArray[np.float32]:
    """The contrast of full ink, (n,): half of each picture's ink exceeds it, as in MNIST."""
    falling = -np.sort(-field.reshape(len(field), -1), axis=1)
    count = (falling > 0.3 * falling[:, :1]).sum(axis=1)
    full = falling[np.arange(len(field)), (0.5 * count).astype(np.intp)]
    return np.where(full > 0, full, 1)


def polarity(
    stack: Stack, blur: float, reach: float, crowded: bool = False, mirrored: bool = False
) -> NDArray[np.float32]:
    """+1 where the ink is brighter than the paper around it, -1 where darker; (n,).

    Strokes stand out from their surroundings within ``reach`` pixels, all to one side, while
    the edge of a shadow goes to both: the skewness of the differences. ``crowded``: the ink may
    be more than the paper, as in tight crops of bold print. Then it counts too that ink hangs
    together, and cuts the paper into pieces; and where in doubt the ink is the darker.
    ``mirrored``: beyond its edges a picture goes on mirrored, not as they are.
    """
    soft = smooth(stack, blur, mirrored)
    detail = soft - smooth(stack, reach, mirrored)
    third = (detail * detail * detail).mean(axis=(1, 2))
    if not crowded:
        return np.where(third < 0, np.float32(-1), np.float32(1))
    skewness = third / np.maximum((detail * detail).mean(axis=(1, 2)) ** 1.5, 1e-12)
    values = soft.reshape(len(soft), -1)
    dark = soft < (quantile(values, (0.02, 0.98)).sum(axis=1) / 2)[:, None, None]
    pieces = count_pieces(np.concatenate([dark, ~dark]), _PIECE)
    apart = pieces[: len(dark)] - pieces[len(dark) :]
    evidence = skewness + np.clip(apart, -3, 3) / 3
    return np.where(evidence < _DOUBT, np.float32(-1), np.float32(1))


_PIECE = 0.01  # share of the picture that a piece of it counts from
_DOUBT = 0.1  # of the two, dark ink is the commoner


def two_toned(stack: Stack) -> NDArray[np.bool_]:
    """Which pictures hold hardly more than two values, as after a threshold; (n,)."""
    low, high = stack.min(axis=(1, 2), keepdims=True), stack.max(axis=(1, 2), keepdims=True)
    share = (stack - low) / np.maximum(high - low, 1e-6)
    return np.minimum(share, 1 - share).mean(axis=(1, 2)) < 0.01


def _mean_where(mask: Mask, stack: Stack) -> Stack:
    """Each picture's mean within its mask, (n, 1, 1); 0 where that is empty."""
    total = (stack * mask).sum(axis=(1, 2), keepdims=True)
    return total / np.maximum(mask.sum(axis=(1, 2), keepdims=True, dtype=np.float32), 1)


def fit_paper(stack: Stack, rounds: int = 6, *, plane: bool = False) -> Stack:
    """The paper's brightness: a quadratic surface fitted to each picture, robust to its ink.

    Iteratively reweighted least squares with the redescending weights of Geman and McClure
    (1987), so that ink, the minority, loses its say. The paper may be dark or light. ``plane``:
    a plane, fitted from the darkest values on, which holds where bright ink is the majority.
    """
    n = len(stack)
    basis, products = _terms(*stack.shape[1:], plane)
    k = len(basis)
    ridge = 1e-3 * np.eye(k, dtype=np.float32)
    values = stack.reshape(n, -1)
    spread = values.std(axis=1, keepdims=True) + np.float32(1e-4)
    least = 0.1 * spread
    paper = quantile(values, 0.15)[:, None] if plane else np.median(values, 1, keepdims=True)
    away = values - paper
    for _ in range(rounds):
        weight = 1 / (1 + (away / spread) ** 2) ** 2
        gram = (weight @ products).reshape(n, k, k) + ridge
        paper = np.linalg.solve(gram, ((weight * values) @ basis.T)[..., None])[..., 0] @ basis
        away = values - paper
        squares = ((weight * away)[:, None] @ away[:, :, None])[:, 0]
        mean_square = squares / gram[:, :1, 0]  # which is the sum of the weights
        spread = np.maximum(1.5 * np.sqrt(mean_square), least)
    return paper.reshape(stack.shape)


@lru_cache(maxsize=4)
def _terms(h: int, w: int, plane: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What a surface is a sum of, (terms, h·w), and their products, (h·w, terms·terms)."""
    y = np.linspace(-1, 1, h, dtype=np.float32)[:, None] + np.zeros((1, w), dtype=np.float32)
    x = np.linspace(-1, 1, w, dtype=np.float32)[None] + np.zeros((h, 1), dtype=np.float32)
    terms = [np.ones_like(x), x, y] if plane else [np.ones_like(x), x, y, x * x, x * y, y * y]
    basis = np.stack(terms).reshape(len(terms), -1)
    products = (basis[:, None] * basis[None]).reshape(len(terms) ** 2, -1).T
    basis.flags.writeable = products.flags.writeable = False
    return basis, products


def quantile(values: NDArray[Any], share: float | tuple[float, ...]) -> NDArray[Any]:
    """The value that a share, in [0, 1), of those along the last axis are below: one of them.

    Several shares give as many values along a last axis. Sorted, 9,000 took 10 µs; ``np.quantile``
    took 80, and ``np.partition`` 170, for of paper most are equal.
    """
    place = (np.asarray(share) * values.shape[-1]).astype(np.intp)
    return np.sort(values, axis=-1)[..., place]


def grain(contrast: Stack) -> NDArray[np.float32]:
    """Standard deviation of the noise, (n,): a median form of Immerkær's (1996) estimate.

    His mask is blind to planes, and the median to the lines of the ink: where there is room
    between them, so that pictures under 16 pixels a side are said to have none.
    """
    if min(contrast.shape[1:]) < 16:
        return np.zeros(len(contrast), dtype=np.float32)
    down = contrast[:, 2:] - 2 * contrast[:, 1:-1] + contrast[:, :-2]
    both = down[:, :, 2:] - 2 * down[:, :, 1:-1] + down[:, :, :-2]
    return np.median(np.abs(both).reshape(len(contrast), -1), axis=1) / np.float32(6 * 0.6745)


def smooth(stack: Stack, sigma: float, mirrored: bool = False) -> Stack:
    """Gaussian blur of each picture, sigma in pixels; beyond its edges it goes on as they are.

    mirrored: it goes on mirrored.
    """
    from scipy.ndimage import gaussian_filter

    mode = "reflect" if mirrored else "nearest"
    height, width = stack.shape[1:]
    longer = max(height, width)
    if longer > _BY_PRODUCTS:
        return gaussian_filter(stack, (0, sigma, sigma), mode=mode, truncate=2.5)
    down, across = _blur(height, sigma, mode), _blur(width, sigma, mode).T
    with team(1) if longer > _NOT_SHARED else nullcontext():
        return np.matmul(np.matmul(down, stack), across)


_BY_PRODUCTS = 200
"""Longer side up to which two products of matrices blur, in half a filter's time."""
_NOT_SHARED = 64
"""Longer side up to which OpenBLAS shares no product among threads, whose waiting took three times
the processor time of the work."""


@lru_cache(maxsize=256)
def _blur(length: int, sigma: float, mode: str) -> NDArray[np.float32]:
    """The matrix (length, length) that blurs a column of pixels."""
    from scipy.ndimage import gaussian_filter1d

    matrix: NDArray[np.float32] = gaussian_filter1d(
        np.eye(length, dtype=np.float32), sigma, axis=0, mode=mode, truncate=2.5
    )
    matrix.flags.writeable = False
    return matrix


def opening(stack: Stack, side: int, beyond: float | None = None) -> Stack:
    """Each picture without what is bright and narrower than ``side`` pixels.

    beyond: the value outside of the picture; None goes on with that of its edge.
    """
    from scipy.ndimage import grey_dilation, grey_erosion

    size = (1, max(3, side), max(3, side))
    mode = "nearest" if beyond is None else "constant"
    low = grey_erosion(stack, size=size, mode=mode, cval=beyond or 0.0)
    return grey_dilation(low, size=size, mode="nearest")


def otsu(stack: Stack, bins: int = 64) -> NDArray[np.float32]:
    """Otsu's threshold (1979) between each picture's low and high positive values, (n,)."""
    n, size = len(stack), stack.shape[1] * stack.shape[2]
    top = np.maximum(stack.max(axis=(1, 2)), 1e-6)
    scaled = (stack * ((bins - 1) / top)[:, None, None]).ravel()
    above_0 = np.flatnonzero(scaled >= 1)  # the others, which are most, need no look at each
    index = scaled[above_0].astype(np.intp) + above_0 // size * bins
    counts = np.bincount(index, minlength=n * bins).reshape(n, bins)
    counts[:, 0] += size - counts.sum(axis=1)
    below = counts.cumsum(axis=1)[:, :-1]
    above = counts.sum(axis=1, keepdims=True) - below
    moments = (counts * np.arange(bins)).cumsum(axis=1)
    low = moments[:, :-1] / np.maximum(below, 1)
    high = (moments[:, -1:] - moments[:, :-1]) / np.maximum(above, 1)
    between = below * above * (high - low) ** 2
    # Between two heaps far apart nothing changes: the middle of the plateau.
    best = between >= 0.99 * between.max(axis=1, keepdims=True)
    first, last = best.argmax(axis=1), bins - 2 - best[:, ::-1].argmax(axis=1)
    return ((first + last + 2) / 2 * top / (bins - 1)).astype(np.float32)


_TOUCHING = np.zeros((3, 3, 3), dtype=bool)
_TOUCHING[1] = True  # eight neighbours within a picture, none across pictures


def drop_specks(mask: Mask, weight: Stack, share: float = 0.1) -> Mask:
    """Keep the connected pieces that hold at least ``share`` of the largest one's weight.

    A piece at the picture's edge is likely a neighbour's end, a ruled line or a shadow: it
    counts a third, and goes unless the largest piece itself is at the edge (a tight crop).
    """
    pieces, owner = _pieces(mask)
    if len(owner) == 1:
        return mask
    mass = np.bincount(pieces.ravel(), (weight * mask).ravel(), minlength=len(owner))
    at_edge = np.zeros(len(owner), dtype=bool)
    for edge in (pieces[:, 0], pieces[:, -1], pieces[:, :, 0], pieces[:, :, -1]):
        at_edge[edge.ravel()] = True
    mass = np.where(at_edge, mass / 3, mass)
    mass[0] = 0
    largest = np.zeros(len(mask))
    np.maximum.at(largest, owner[1:], mass[1:])
    tight = np.zeros(len(mask), dtype=bool)
    tight[owner[at_edge & (mass == largest[owner])]] = True
    keep = (mass >= share * largest[owner]) & (~at_edge | tight[owner])
    keep[0] = False
    return keep[pieces]


def count_pieces(mask: Mask, least: float = 0.0) -> NDArray[np.intp]:
    """How many connected pieces each picture's mask has that are ``least`` of the picture, (n,)."""
    pieces, owner = _pieces(mask)
    large = np.bincount(pieces.ravel(), minlength=len(owner)) >= least * mask[0].size
    large[0] = False
    return np.bincount(owner[large], minlength=len(mask))


def _pieces(mask: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each pixel's connected piece, 0 where there is none, and each piece's picture."""
    from scipy.ndimage import label

    pieces, count = label(mask, _TOUCHING)
    owner = np.zeros(count + 1, dtype=np.intp)
    owner[pieces.ravel()] = np.repeat(np.arange(len(mask)), mask[0].size)
    return pieces, owner


# ------------------------------------------------------------------ geometry


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


def shrink(picture: NDArray[np.float32], longest: int) -> NDArray[np.float32]:
    """The picture (h, w) averaged over whole blocks, until no side is above ``longest``."""
    from PIL import Image

    factor = -(-max(picture.shape) // longest)
    if factor <= 1:
        return picture
    return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).reduce(factor))


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
