"""Handwriting found on paper, in a stack of pictures (n, h, w) all at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpapps.core.threads import team
from bpapps.pictures.arrays import Mask, Stack, as_pictures, by_shape, shrink
from bpapps.pictures.shapes import bounding_boxes, centres_of_mass

WORK = 112  # longest side, in pixels, that ink is looked for in


_CHUNK = 2_000_000  # pixels worked on at once


_PEN = 0.1  # the broadest stroke in a large picture, of its longer side


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
    the paper, as in tight crops of bold print; where in doubt the ink is the darker.
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
    # Not by the mask: the mask is of a smoothed copy, where the gaps of a bold letter fill.
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
    """Each picture's mean within its mask, (n, 1, 1); 0 where the mask is empty."""
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
    """The value below which a share, in [0, 1), of the last axis lies: one of its values.

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

    beyond: the value outside of the picture; None goes on with the value at the edge.
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
    """How many connected pieces of at least ``least`` of the picture each mask has, (n,)."""
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
