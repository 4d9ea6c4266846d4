"""The ink of one line of text: its paper evened, its strokes labelled, what is not text left out.

A stroke is a connected piece of ink. A character has one or several (i, j, a broken pen), and
characters that touch share one; :mod:`bpapps.tasks.characters.pieces` sorts that out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bpapps.pictures import ink
from bpapps.pictures.arrays import shrink

_LONGEST = 2400  # pixels of the longer side that is worked on
_GLANCE = 480  # pixels of the longer side that tell whether ink is the brighter, of tall pictures
_TALLEST = 64  # a line whose characters are taller is shrunk
_LOWEST = 16  # one whose characters are lower is enlarged, so that a gap of half a pixel shows
_BROADEST = 0.5  # stroke, in heights of the picture: what is broader is a shadow
_LEAST = 5  # pixels of a tall character
_FRAMED = 1.3  # breadth of a frame at least, in its heights
_LIKE = 0.75  # heights of characters of two lines, the lesser over the greater
_MANY = 200  # strokes: more are no line of characters
_SLOPES = np.arange(-50, 51) / 500  # of the line, rows down per column
_TOUCHING = np.ones((3, 3), dtype=bool)
PAGE = "it has {} lines; give a picture of one line (an OCR such as Tesseract reads whole pages)"


class NoLineError(ValueError):
    """A picture that is not of one line of characters: why, in one line."""


class PageError(NoLineError):
    """There is more than one line in the picture."""


@dataclass(frozen=True)
class Strokes:
    """The ink of a line, set level.

    contrast (h, w): full ink is about 1, paper 0. labels (h, w): which stroke a pixel belongs to,
    0 for paper. height: of a tall character, in pixels. view: where in the picture it is.
    """

    contrast: NDArray[np.float32]
    labels: NDArray[np.intp]
    height: float
    view: View


@dataclass(frozen=True)
class View:
    """A picture scaled, and sheared until its line is level.

    scale: pixels here per pixel of the picture. slope: rows down per column of the picture,
    which are taken out. offset: rows of the picture above its first that are here.
    """

    scale: float = 1.0
    slope: float = 0.0
    offset: float = 0.0

    def of(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """The picture so seen; beyond its edges it goes on as it ends."""
        if self == View():
            return picture
        height, width = picture.shape
        size = round((height + 2 * self.offset) * self.scale), round(width * self.scale)
        step = 1 / self.scale
        matrix = np.array([[step, self.slope * step], [0, step]])
        # Pixel (r, c) has its middle at (r + 0.5, c + 0.5), here as there.
        half = (step - 1) / 2
        start = (half - self.offset + self.slope * (step - width) / 2, half)
        return ndimage.affine_transform(picture, matrix, start, size, order=1, mode="nearest")

    def back(self, box: NDArray[np.intp], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
        """A box (top, left, bottom, right) as left, top, right, bottom in the picture."""
        top, left, bottom, right = (float(v) / self.scale for v in box)
        down = self.slope * ((left + right) / 2 - shape[1] / 2) - self.offset
        rows, columns = np.clip([top + down, bottom + down], 0, shape[0]), (left, right)
        return (
            int(columns[0]), int(rows[0]),
            min(shape[1], int(np.ceil(columns[1]))), int(np.ceil(rows[1])),
        )  # fmt: skip


def find_strokes(picture: NDArray[np.float32], share: float = 0.85) -> Strokes:
    """The strokes of the one line in a picture (h, w) in [0, 1].

    Either ink or paper may be the darker. share: of Otsu's threshold, above which it is ink; less
    keeps hairlines whole, more keeps heavy characters apart. Raises NoLineError where there is no
    line, or several.
    """
    small = shrink(picture, _LONGEST)
    strokes = _strokes(small, share)
    slope = _slope(strokes)
    view = View(_fitting(strokes.height), slope, abs(slope) * small.shape[1] / 2)
    if view != View():  # once more, now that it is known how the line stands
        strokes = _strokes(view.of(small), share)
    shrunk = small.shape[1] / picture.shape[1]
    whole = View(view.scale * shrunk, view.slope, view.offset / shrunk)
    return Strokes(strokes.contrast, strokes.labels, strokes.height, whole)


def _fitting(height: float) -> float:
    """By how much to scale a line whose characters have a height."""
    if height > _TALLEST:
        return _TALLEST / height
    return 2.0 if height < _LOWEST else 1.0


def _slope(strokes: Strokes) -> float:
    """Rows down per column of the line that most characters stand on; 0 unless it is clear."""
    box = boxes(strokes.labels)
    box = box[box[:, 2] - box[:, 0] > 0.4 * strokes.height]
    if len(box) < 4:
        return 0.0
    middle = (box[:, 1] + box[:, 3]) / 2
    ends = box[:, [0, 2]] - _SLOPES[:, None, None] * middle[None, :, None]  # (slopes, n, 2)
    apart = (ends[:, :, None] - ends[:, None]) / (0.05 * strokes.height)
    agree = np.exp(-0.5 * apart**2).sum(axis=(1, 2, 3))
    best = int(agree.argmax())
    return float(_SLOPES[best]) if agree[best] > 1.05 * agree[_SLOPES == 0][0] else 0.0


def _strokes(picture: NDArray[np.float32], share: float) -> Strokes:
    contrast, mask = _ink(picture, share)
    labels, _ = ndimage.label(mask, _TOUCHING)
    labels = _keep(labels, ~_is_frame(labels))
    height = _height(labels)
    labels = _keep(labels, _is_text(labels, height))
    labels = _keep(labels, _in_line(labels, height))
    _check(labels)
    return Strokes(contrast, labels, _height(labels), View())


def _ink(
    picture: NDArray[np.float32], share: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Contrast to the paper, full ink being 1, and where it is ink."""
    stack = picture[None]
    height = min(picture.shape)
    blur = float(np.clip(height / 96, 0.4, 1.0))
    # A blur as broad as this takes half a minute of a photo of twelve megapixels.
    small = shrink(picture, _GLANCE) if height > _GLANCE // 2 else picture
    # Mirrored: gone on with, a frame along the edge would pass for paper.
    sign = ink.polarity(small[None], blur, 0.3 * min(small.shape), mirrored=True)
    bright = stack * sign[:, None, None]
    contrast = bright - ink.fit_paper(bright)
    noise = float(ink.grain(contrast)[0])
    if noise > 0.08:
        blur = max(1.0, 1.5 * blur)
    soft = ink.smooth(contrast, blur)
    shadow = ink.opening(soft, round(_BROADEST * height), 0.0)
    contrast, soft = contrast - shadow, soft - shadow
    threshold = float(share * ink.otsu(soft)[0])
    mask = soft[0] > threshold
    level = float(soft[0][mask].mean()) if mask.any() else 0.0
    left = noise / (2 * np.sqrt(np.pi) * blur)  # what the blur leaves of white noise
    if level < 0.03 or level < 4 * left:
        raise NoLineError("no character was found")
    full = float(np.quantile(contrast[0][mask], 0.7))
    return contrast[0] / max(full, 1e-3), mask


def boxes(labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Top, left, bottom, right of each stroke, (n, 4); the latter two exclusive."""
    found = ndimage.find_objects(labels)
    rows = [(r.start, c.start, r.stop, c.stop) for r, c in filter(None, found)]
    return np.array(rows, dtype=np.intp).reshape(-1, 4)


def _keep(labels: NDArray[np.intp], keep: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The labels of the strokes to keep, numbered anew."""
    if not keep.any():
        raise NoLineError("no character was found")
    number = np.concatenate([[0], np.cumsum(keep) * keep])
    return number[labels]


def _check(labels: NDArray[np.intp]) -> None:
    """NoLineError where nothing that is left can be a character, or too much is."""
    tall, wide, area = _sizes(labels)
    if len(tall) > _MANY:
        raise NoLineError(f"the ink is in {len(tall)} places; give a picture of one line")
    block = (area > 0.72 * tall * wide) & (tall < 1.6 * wide) & (wide < 1.6 * tall)
    if block.all():
        raise NoLineError("the ink is a dot or a block, no character")
    if _height(labels) < _LEAST:
        raise NoLineError(f"no character was found; they need to be {_LEAST} pixels tall")


def _sizes(labels: NDArray[np.intp]) -> tuple[NDArray, NDArray, NDArray]:
    """Height, width and area of each stroke, (n,) each."""
    box = boxes(labels)
    tall, wide = (box[:, 2:] - box[:, :2]).T
    return tall, wide, np.bincount(labels.ravel(), minlength=len(box) + 1)[1:]


def _height(labels: NDArray[np.intp]) -> float:
    """The height of a tall character: dots, specks and rules have no say."""
    tall, wide, area = _sizes(labels)
    if len(tall) == 0:
        raise NoLineError("no character was found")
    upright = wide < 6 * tall
    large = upright & (area >= 0.1 * np.quantile(area[upright], 0.9)) if upright.any() else ~upright
    return float(np.quantile(tall[large], 0.8)) if large.any() else float(tall.max())


def _is_text(labels: NDArray[np.intp], height: float) -> NDArray[np.bool_]:
    """Which strokes may be of a character: no specks and no rules."""
    tall, wide, area = _sizes(labels)
    speck = area < max(2.0, (0.06 * height) ** 2)
    rule = (wide > 3 * height) & (tall < 0.25 * height)
    return ~(speck | rule)


def _is_frame(labels: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which strokes run around others: along the picture's edges, or broader than a dotted 0."""
    box = boxes(labels)
    tall, wide, area = _sizes(labels)
    whole = (box[:, 0] <= 1) & (box[:, 2] >= labels.shape[0] - 1) & (wide > 0.9 * labels.shape[1])
    frame = np.zeros(len(box), dtype=bool)
    for i in np.flatnonzero((whole | (wide > _FRAMED * tall)) & (area < 0.3 * tall * wide)):
        within = np.all(box[:, :2] > box[i, :2], axis=1) & np.all(box[:, 2:] < box[i, 2:], axis=1)
        frame[i] = np.any(tall[within] > 0.25 * tall[i])
    return frame


def _in_line(labels: NDArray[np.intp], height: float) -> NDArray[np.bool_]:
    """Which strokes are of the one line; NoLineError where there are several lines."""
    box = boxes(labels)
    tall = box[:, 2] - box[:, 0]
    large = tall >= 0.45 * height
    if not large.any():
        large = tall >= 0.7 * tall.max()
    middle = (box[:, 0] + box[:, 2]) / 2
    band = np.zeros(len(box), dtype=int)
    order = np.flatnonzero(large)[np.argsort(middle[large])]
    # Middles of the characters of one line follow each other closely; from line to line they jump.
    jump = np.diff(middle[order]) > 0.75 * height
    band[order] = 1 + np.concatenate([[0], np.cumsum(jump)])
    counts = np.bincount(band, minlength=2)[1:]
    own = box[band == 1 + counts.argmax()]
    # Few characters are a line of their own too, where none reaches into the main line.
    tallest = (tall >= _LIKE * height) & (tall <= height / _LIKE)
    beyond = (box[:, 0] >= own[:, 2].max()) | (box[:, 2] <= own[:, 0].min())
    small = np.bincount(band[tallest & beyond], minlength=1 + len(counts))[1:]
    lines = int(((counts >= max(2, 0.25 * counts.max())) | (small > 0)).sum())
    if lines > 1:
        raise PageError(PAGE.format(lines))
    low, high = own[:, 0].min() - 0.35 * height, own[:, 2].max() + 0.25 * height
    inside = (middle > low) & (middle < high)
    return inside & ((band == 0) | (band == 1 + counts.argmax()))
