"""Reading one line of separate characters: a picture in, text with boxes and confidences out.

    line = read_line(picture, reader)
    line.text, line.confidence, line.characters[0].box

The reader is a fitted pipeline that knows single characters. It is shown each one as it was
trained, in a cell of the whole line's height, so that size and place still tell an o from an O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpapps.pictures.arrays import as_pictures, shrink
from bpapps.pictures.ink import WORK, find_ink, why_not_one
from bpapps.pictures.shapes import resample
from bpapps.tasks.characters.classes import merge
from bpapps.tasks.characters.decode import Span, agreement, best_runs, certainty, weigh
from bpapps.tasks.characters.guides import Guides, guess
from bpapps.tasks.characters.pieces import Pieces, cut_up, slants
from bpapps.tasks.characters.render import BASELINE, CAPITAL
from bpapps.tasks.characters.strokes import NoLineError, PageError, Strokes, boxes, find_strokes

CELL = (48, 36)
"""Height and width, in pixels, of the pictures that the reader is shown."""

_DOUBT = -0.05  # log-likelihood of a character, below which a line is looked at once more
_SHARES = (0.55, 1.1)  # thresholds for ink, tried when a line is looked at once more
_ALONE = 2.0  # a picture that is broader, in its heights, is not of one character
_TALL = 0.7  # of the tallest stroke: a stroke as tall is a whole character, or most of one
_MOST = 6  # pieces of one character
_WIDEST = 1.9  # character, in heights of a capital
_SPACE = 0.5  # how much broader a space is than the usual gap, in heights of a capital
_EDGE = 0.25  # and by how much the narrowest
_WIDE = 1.15  # above this width a character is the less likely, the wider it is
_EACH = 0.05  # log-likelihood of a character: what a reader that is never quite certain leaves out
_AGREEMENT = 0.2  # weight of how well the characters' kinds go together

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Character:
    """A character of a line: what it is, how surely, and where it is in the picture.

    box: left, top, right, bottom in pixels, the latter two exclusive.
    """

    text: str
    confidence: float
    box: Box


@dataclass(frozen=True)
class Line:
    """What was read: the text with its spaces, and its characters without."""

    text: str
    characters: tuple[Character, ...]

    @property
    def confidence(self) -> float:
        """How sure the characters are, on average."""
        return float(np.mean([character.confidence for character in self.characters]))

    def plain(self) -> dict[str, Any]:
        """As JSON data."""
        characters = [asdict(character) for character in self.characters]
        return {"text": self.text, "confidence": self.confidence, "characters": characters}


NOTHING: Mapping[str, Any] = {"text": None, "confidence": None, "characters": []}
"""What :meth:`Line.plain` says where there is no line."""


def read_line(picture: Any, reader: Any, grouping: str | None = None) -> Line:
    """The text of the one line in a picture, by a reader that knows single characters.

    Args:
        picture: an array (h, w) or (h, w, 1 | 3 | 4), a PIL image or a path. Ink may be darker
            than the paper or lighter.
        reader: has ``predict_proba`` for pictures of :data:`CELL`'s size, and ``classes_``.
        grouping: the groups of classes to answer with. How the line is cut does not depend on
            the groups: all that the reader knows tells where a character begins.

    Raises:
        UnknownNameError: no such grouping.
        ValueError: there is no character in the picture, or more than one line.
    """
    given = as_pictures([picture])[0]
    alone = _alone(given, reader)
    try:
        found = _surest(given, reader)
    except PageError:
        raise
    except NoLineError:
        if alone is None:
            raise
        found = alone
    if alone is not None and not found.apart and alone.score >= found.score:
        found = alone
    return _written(found, reader.classes_, grouping)


class _Found(NamedTuple):
    """Characters that were found: boxes, probabilities (n, classes), and what begins a word.

    ``score`` is the log-likelihood of how the picture was parted; ``apart``: its strokes are of
    several characters for certain.
    """

    boxes: Sequence[Box]
    probabilities: NDArray[np.float64]
    first: NDArray[np.bool_]
    score: float
    apart: bool = False


def _written(found: _Found, classes: Sequence[str], grouping: str | None) -> Line:
    """The text of what was found, each character weighed with its neighbours."""
    weighed = weigh(found.probabilities, classes, found.first)
    if grouping:  # not before: the kinds of the characters, which it takes away, tell I from l
        weighed, groups = merge(weighed, classes, grouping)
        classes = groups.tolist()
    characters = tuple(
        Character(str(classes[row.argmax()]), float(row.max()), box)
        for row, box in zip(weighed, found.boxes, strict=True)
    )
    words = [" " * int(s) + c.text for s, c in zip(found.first, characters, strict=True)]
    return Line("".join(words)[1:], characters)


def _surest(given: NDArray[np.float32], reader: Any) -> _Found:
    """A picture read in parts; with other thresholds for ink too, where the first leaves doubt."""
    found = [_in_parts(given, reader)]
    if found[0].score < _DOUBT * len(found[0].boxes):
        for share in _SHARES:
            with suppress(NoLineError):
                found.append(_in_parts(given, reader, share))
    return max(found, key=lambda each: each.score)


def _alone(given: NDArray[np.float32], reader: Any) -> _Found | None:
    """A picture that is about as high as wide, read as one character that fills it."""
    height, width = given.shape
    if width > _ALONE * height or why_not_one(given, "character", crowded=True):
        return None
    probabilities = np.asarray(reader.predict_proba(given[None]), dtype=np.float64)
    small = shrink(given, WORK)
    top, left, bottom, right = find_ink(small[None], crowded=True).boxes[0].tolist()
    down, across = height / small.shape[0], width / small.shape[1]
    box = (int(left * across), int(top * down), round(right * across), round(bottom * down))
    return _Found([box], probabilities, np.array([True]), float(np.log(probabilities.max())))


def _side_by_side(pieces: Pieces) -> bool:
    """Whether there are tall pieces with a gap between them, as hardly any character has."""
    box = boxes(pieces.own)
    tall = box[:, 2] - box[:, 0]
    large = np.flatnonzero(tall >= _TALL * tall.max())
    large = large[np.argsort(pieces.left[large])]
    ends = np.maximum.accumulate(pieces.right[large])
    return bool((pieces.left[large][1:] > ends[:-1]).any())


def _in_parts(given: NDArray[np.float32], reader: Any, share: float = 0.85) -> _Found:
    """A picture read as a line of characters."""
    strokes = find_strokes(given, share)
    ways = [_Seen(strokes, cut_up(strokes, slant), reader) for slant in slants(strokes)]
    seen, found = max(
        ((seen, seen.decode(guides)) for seen in ways for guides in seen.guesses()),
        key=lambda way: way[1].score,
    )
    places = [strokes.view.back(seen.box(run), given.shape) for run in found.runs]
    apart = _side_by_side(seen.pieces)
    return _Found(places, found.probabilities, found.first, found.score, apart)


class _Decoded(NamedTuple):
    """A way to see a line: its characters' runs, their probabilities, which runs begin a word,
    and how likely it is."""

    runs: list[Span]
    probabilities: NDArray[np.float64]
    first: NDArray[np.bool_]
    score: float


class _Seen:
    """A line's pieces, and what the reader makes of the pieces."""

    def __init__(self, strokes: Strokes, pieces: Pieces, reader: Any):
        self.strokes, self.pieces, self.reader = strokes, pieces, reader
        self.boxes = boxes(pieces.own)
        self.ink = np.clip(strokes.contrast, 0, 1)

    def box(self, run: Span) -> NDArray[np.intp]:
        """Top, left, bottom, right of a run's ink."""
        own = self.boxes[run[0] : run[1]]
        return np.concatenate([own[:, :2].min(axis=0), own[:, 2:].max(axis=0)])

    def cells(self, runs: Sequence[Span], guides: Guides) -> NDArray[np.float32]:
        """Each run as the reader knows characters: dark on white, alone in a cell."""
        height, width = CELL
        scale = CAPITAL * height / guides.capital
        fields = np.zeros((len(runs), height, height), dtype=np.float32)
        for i, run in enumerate(runs):
            _, left, _, right = self.box(run)
            columns = slice(max(0, left - 3), right + 3)
            labels = self.pieces.labels[:, columns]
            ink = self.ink[:, columns] * ((labels > run[0]) & (labels <= run[1]))
            squeeze = min(1.0, (width - 2) / ((right - left) * scale))
            source = (guides.baseline, (left + right) / 2 - columns.start)
            fields[i] = _lay(ink, scale, squeeze, source)
        margin = (height - width) // 2
        return 1 - np.clip(fields[:, :, margin : margin + width], 0, 1)

    def read(self, runs: Sequence[Span], guides: Guides) -> NDArray[np.float64]:
        """The reader's probabilities for each run."""
        return np.asarray(self.reader.predict_proba(self.cells(runs, guides)), dtype=np.float64)

    def guesses(self) -> list[Guides]:
        """What baseline and size may be, the likeliest first."""
        width = np.minimum(self.boxes[:, 3] - self.boxes[:, 1], self.strokes.height)
        return guess(self.boxes[:, 0], self.boxes[:, 2], width)

    def decode(self, guides: Guides) -> _Decoded:
        """The likeliest characters if the line stands on these guides."""
        runs = self._candidates(guides)
        probabilities = self.read(runs, guides)
        sure = certainty(probabilities, self.reader.classes_)
        pieces = self.pieces
        scores = {}
        for run, score in zip(runs, sure, strict=True):
            width = (pieces.right[run[1] - 1] - pieces.left[run[0]]) / guides.capital
            joins = pieces.join[run[0] : run[1] - 1].sum()
            scores[run] = score + _EACH - joins - 4 * max(0.0, width - _WIDE) ** 2
        best, total = best_runs(scores, pieces.part)
        place = {run: i for i, run in enumerate(runs)}
        own = probabilities[[place[run] for run in best]]
        first = self._begins_word(best, guides)
        agreed = agreement(own, self.reader.classes_, first)
        return _Decoded(best, own, first, total + _AGREEMENT * agreed)

    def _begins_word(self, runs: Sequence[Span], guides: Guides) -> NDArray[np.bool_]:
        left, right = self.pieces.left, self.pieces.right
        gaps = np.array([left[b[0]] - right[a[1] - 1] for a, b in pairwise(runs)])
        return np.concatenate([[True], _is_space(gaps / guides.capital)])

    def _candidates(self, guides: Guides) -> list[Span]:
        """Runs that may be characters; each piece alone is one, so that there is a path."""
        pieces, n = self.pieces, len(self.pieces)
        widest = _WIDEST * guides.capital
        return [
            (start, end)
            for start in range(n)
            for end in range(start + 1, min(start + _MOST, n) + 1)
            if end == start + 1
            or (
                pieces.right[start:end].max() - pieces.left[start] <= widest
                and pieces.join[start : end - 1].sum() < 8
            )
        ]


def _lay(
    ink: NDArray[np.float32], scale: float, squeeze: float, source: tuple[float, float]
) -> NDArray[np.float32]:
    """Ink on the middle of a square of a cell's height, its baseline where cells have it."""
    size = CELL[0]
    if squeeze < 1:
        from scipy import ndimage

        ink = ndimage.zoom(ink, (1, squeeze), order=1, grid_mode=True, mode="grid-constant")
        source = (source[0], source[1] * squeeze)
    target = np.array([[BASELINE * size, size / 2]])
    return resample(ink[None], np.array([scale]), np.array([source]), target, size)[0]


def _is_space(gaps: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which gaps between characters, in heights of a capital, are spaces between words.

    Those beyond the broadest leap in the sorted gaps, near to where spaces usually begin. A space
    of :data:`_SPACE` more than the usual gap is taken to be there, so that none need be.
    """
    if len(gaps) == 0:
        return np.zeros(0, dtype=bool)
    usual = float(np.median(gaps))
    found = np.sort(np.concatenate([gaps[gaps > usual], [usual, usual + _SPACE]]))
    between = (found[1:] + found[:-1]) / 2
    off = (between - usual - _EDGE) / (0.7 * _EDGE)
    leap = np.diff(found) * np.exp(-0.5 * off**2)
    return gaps > between[leap.argmax()]
