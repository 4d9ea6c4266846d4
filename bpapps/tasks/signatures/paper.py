"""The ink of a signature told from its paper, whatever the light: scans and phones' photos.

Signatures come in all sizes, so pictures are worked on one by one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpapps.pictures import shapes
from bpapps.pictures.arrays import Stack, shrink
from bpapps.pictures.ink import otsu, polarity, smooth
from bpapps.tasks.signatures.ruled import drop_lines

Gray = NDArray[np.float32]  # (h, w)
Mask = NDArray[np.bool_]  # (h, w)

WORK = 400  # longest side, in pixels, that ink is looked for in
_BLUR = 0.6  # of the copy on which it is decided what is ink, in pixels
_MAIN = 0.008  # share of the ink that a piece holds whose place counts
FAINTEST = 0.03  # contrast of ink
_DEEPEST = 0.15  # of the brightest paper: in darker shadows grain would be blown up
_ROUNDING = 1e-6  # contrast that white paper has of itself, by how a processor adds
_BROADEST = 0.1  # the broadest stroke, of the picture's longer side


class Ink(NamedTuple):
    """What was seen in one picture.

    contrast: to the paper, as a share of its brightness, ink positive, (h, w). mask: where the
    ink is. main: the same without its small pieces. level: the ink's mean contrast, 0 without
    ink. grain: the standard deviation of the paper's, in the copy on which ink is looked for.
    """

    contrast: Gray
    mask: Mask
    main: Mask
    level: float
    grain: float


def find_ink(picture: Gray) -> Ink:
    """Tell a signature's ink from the paper, its ruled lines and its specks.

    picture: (h, w) in [0, 1], not above a few hundred pixels a side. Either of ink and paper may
    be the darker, and the light may be uneven.
    """
    dark = picture if _ink_is_dark(picture) else 1 - picture
    paper = _paper(dark)
    contrast = (paper - dark) / np.maximum(paper, _DEEPEST * paper.max() + 1e-3)
    soft = smooth(contrast[None], _BLUR)
    sample = _sample(soft)
    rest = sample[len(sample) // 2]  # most of a picture is paper
    soft -= rest
    mask, noise = _threshold(soft, sample - rest)
    written = drop_lines(mask)
    if np.count_nonzero(written) < np.count_nonzero(mask):  # print is darker than some pens
        soft[0, shapes.near(mask & ~written)] = 0
        mask, noise = _threshold(soft, _sample(soft))
        written = drop_lines(mask)
    mask, main = drop_specks(written & (soft[0] > _ROUNDING), soft[0], 5 * noise)
    level = float(soft[0][mask].mean()) if mask.any() else 0.0
    return Ink(np.clip(contrast - rest, 0, 1), mask, main, level, noise)


def _sample(contrast: Stack) -> NDArray[np.float32]:
    """Every other pixel of a stack of one, sorted."""
    return np.sort(contrast[0, ::2, ::2], axis=None)


def _threshold(contrast: Stack, sample: NDArray[np.float32]) -> tuple[Mask, float]:
    """Where ink may be in a stack of one, and the standard deviation of the paper's grain.

    sample: some of the contrast, sorted. The grain is known by a quantile of what is above the
    paper's median, for below it there may be nothing to measure: in a bright photo the paper is
    white throughout. What is paper hangs on the threshold, which must exceed the grain; a few
    rounds settle both.
    """
    threshold, top = 0.8 * float(otsu(contrast)[0]), 0.8 * float(contrast.max())
    noise, before = 0.0, 0.0
    for _ in range(6):
        if threshold < 1.02 * before or threshold <= 0:
            break
        paper = int(np.searchsorted(sample, np.float32(threshold)))
        noise = max(0.0, float(sample[int(0.8 * paper)]) / 0.84)
        before, threshold = threshold, max(threshold, min(3 * noise, top))
    return contrast[0] > threshold, noise


def _ink_is_dark(picture: Gray) -> bool:
    """Whether strokes are darker than what is near them.

    Mirrored at its border, a picture has no strokes broader than they are: a dark line along the
    border would else pass for the paper, and the paper beside it for bright ink. Ink is taken for
    light only if it is light without the edges of sheets, too.
    """
    small = shrink(picture, WORK // 4)
    return _strokes_are_dark(small) or _strokes_are_dark(_without_edges(small))


def _strokes_are_dark(small: Gray) -> bool:
    return bool(polarity(small[None], 0.5, 0.04 * max(small.shape), mirrored=True)[0] < 0)


def _without_edges(gray: Gray) -> Gray:
    """Light sheets and the darker desk around them, each less its median; 0 on the edge between.

    A sheet's corners stand out to their surroundings as bright strokes do, and more than pale ink.
    What is bright is a sheet if it hangs together with more than a stroke. Without any, the whole
    picture is one, and stays as it is.
    """
    from scipy.ndimage import binary_dilation, binary_erosion, binary_fill_holes, binary_propagation

    bright = gray > otsu(gray[None])[0]
    side = round(_BROADEST * max(gray.shape)) + 1
    cores = binary_erosion(bright, np.ones((side, side)), border_value=1)
    sheet = binary_fill_holes(binary_propagation(cores, mask=bright))
    inside, outside = binary_erosion(sheet, border_value=1), ~binary_dilation(sheet)
    even = np.zeros_like(gray)
    for part in (inside, outside):
        if part.any():
            even[part] = gray[part] - np.median(gray[part])
    return even


def _paper(dark: Gray) -> Gray:
    """The paper's brightness, (h, w), under dark ink: it follows the light, but no stroke.

    A stroke is narrow at least one of down and across; a closing along that line fills it, and
    keeps the edge of a shadow sharp. The blur smooths what the closing makes of grain; the
    lesser of the two is taken, or a blurred edge would pass for ink.
    """
    from PIL import Image

    small = shrink(dark, WORK // 2)
    side = max(3, round(_BROADEST * max(small.shape)))
    closed = np.maximum(_closed_down(small, side), _closed_down(small.T, side).T)
    soft = smooth(closed[None], side / 4)[0]
    # Enlarged, a sharp edge would be soft again: the darker side of it is made broader.
    paper = Image.fromarray(shapes.near(np.minimum(closed, soft), np.minimum))
    if small is dark:
        return np.asarray(paper)
    height, width = dark.shape
    factor = -(-max(dark.shape) // (WORK // 2))
    box = (0, 0, width / factor, height / factor)
    return np.asarray(paper.resize((width, height), Image.Resampling.BILINEAR, box))


def _closed_down(gray: Gray, side: int) -> Gray:
    """The closing of each column by a line of ``side`` pixels; beyond its ends it goes on."""
    largest = _of_windows(np.maximum, _padded(gray, side - 1), side)
    return _of_windows(np.minimum, largest, side)


def _padded(gray: Gray, rows: int) -> Gray:
    return gray[np.clip(np.arange(-rows, len(gray) + rows), 0, len(gray) - 1)]


def _of_windows(which: np.ufunc, gray: Gray, side: int) -> Gray:
    """The largest or least of ``side`` rows at a time, of (h, w): (h - side + 1, w).

    The largest of twice as many rows is the larger of two windows; the last two overlap.
    """
    size = 1
    while size < side:
        step = min(size, side - size)
        gray = which(gray[:-step], gray[step:])
        size += step
    return gray


def find_ink_near(picture: Gray) -> tuple[Gray, Ink]:
    """A picture of any size as it is worked on, and its ink.

    A large one is shrunk to working size; if its ink is small, it is cut to its surroundings.
    """
    small = to_working_size(picture)
    ink = find_ink(small)
    if small is picture or not ink.mask.any():
        return small, ink
    factor = max(picture.shape) / max(small.shape)
    low, high = shapes.bounding_boxes(ink.main[None])[0].reshape(2, 2)
    margin = 0.15 * (high - low).max() + 2
    if np.all(high - low + 2 * margin > 0.8 * np.array(small.shape)):
        return small, ink
    top, left = np.maximum(0, (low - margin) * factor).astype(int)
    bottom, right = ((high + margin) * factor).astype(int)
    near = to_working_size(picture[top:bottom, left:right])
    return near, find_ink(near)


def to_working_size(picture: Gray) -> Gray:
    """The picture shrunk so that no side is above :data:`WORK` pixels."""
    return shrunk(picture, WORK / max(picture.shape))


def shrunk(picture: Gray, scale: float) -> Gray:
    """The picture scaled, each new pixel a mean of what it covers; never enlarged."""
    from PIL import Image

    if scale >= 1:
        return picture
    height, width = (max(1, round(side * scale)) for side in picture.shape)
    image = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(image.resize((width, height), Image.Resampling.HAMMING, reducing_gap=3))


def two_tone(picture: Gray) -> bool:
    """Whether a picture is of two even grays, such as a block on paper, and neither is rare."""
    bright = picture > (picture.min() + picture.max()) / 2
    share = bright.mean()
    if not 0.02 < share < 0.98 or np.ptp(picture) < 0.1:
        return False
    between = share * (1 - share) * (picture[bright].mean() - picture[~bright].mean()) ** 2
    return bool(between > 0.9 * picture.var())


def drop_specks(mask: Mask, contrast: Gray, least: float = 0.0) -> tuple[Mask, Mask]:
    """A mask without what is no ink, and without all but the main pieces of the ink.

    What is no ink: connected pieces under 6 pixels or 0.4% of the ink, or whose contrast is
    nowhere above ``least``; and scraps that lie flat along an edge of the picture, where they
    are left of a ruled line or of a shadow. Main pieces hold 0.8% of the ink each.
    """
    from scipy.ndimage import label

    pieces, count = label(mask, np.ones((3, 3)))
    if count == 0:
        return mask, mask
    y, x = shapes.places(mask)
    piece = pieces[y, x]
    sizes = np.bincount(piece)
    strip = max(3, round(0.02 * max(mask.shape)))
    height, width = (side - strip for side in mask.shape)
    for needed in (contrast[y, x] >= least, y >= strip, y < height, x >= strip, x < width):
        sizes[np.bincount(piece[needed], minlength=count + 1) == 0] = 0
    ink = max(1, sizes.sum())
    kept, main = np.zeros_like(mask), np.zeros_like(mask)
    kept[y, x] = (sizes >= max(6, 0.004 * ink))[piece]
    main[y, x] = (sizes >= max(6, _MAIN * ink))[piece]
    return kept, main if main.any() else kept
