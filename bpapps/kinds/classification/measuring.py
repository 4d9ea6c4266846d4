"""A classifier measured on the test part of some data, and what is put through corruptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bpapps.data.splits import Split
from bpapps.experiments import Probe, Progress
from bpapps.kinds.base import Model
from bpapps.kinds.classification.findings import LINES
from bpapps.kinds.classification.metrics import (
    evaluate,
    group_scores,
    grouping_scores,
    share_right,
    which_right,
)
from bpapps.kinds.classification.records import Details, LineScores
from bpapps.measures.intervals import wilson
from bpapps.measures.strings import edit_distance, error_rate
from bpapps.pictures.arrays import Pictures, as_pictures, shrink, take
from bpapps.pictures.ink import WORK
from bpapps.pictures.png import png_uri
from bpapps.report.readings import calibration_fact
from bpapps.results import Figure, Headline

if TYPE_CHECKING:
    from bpapps.kinds.classification import Classification

NOISE_PICTURES, QUICK_PICTURES = 2000, 300
"""Test pictures that are put through corruptions at most, drawn by the seed."""

TIMED = 1000
"""Test pictures that are timed at most."""

MANY_LINES, QUICK_LINES = 200, 40
"""Lines that are read, where a task reads lines; a quarter of them is spoilt too."""

LINE_CORRUPTIONS, LINE_SEVERITIES = ("gaussian", "blur", "contrast"), (1, 2, 3)


def measure(
    kind: Classification,
    model: Model,
    split: Split,
    seed: int,
    quick: bool,
    progress: Progress | None,
) -> Details:
    """All that a report says of a classifier, on pictures of classes that it knows."""
    test, classes = split.test, model.pipeline[-1].classes_
    probabilities = model.pipeline.predict_proba(test.pictures)
    answers = (probabilities, test.targets, classes)
    details = Details(
        **evaluate(*answers, list(_pictures(test.pictures))),
        grouping_scores=grouping_scores(*answers, kind.grouping_names, kind.merge),
        group_scores=[] if test.groups is None else group_scores(*answers, test.groups),
    )
    if not _reads_lines(kind, model, split):
        return details
    return replace(details, lines=_line_scores(kind, model, seed, quick, progress))


def headline(details: Details) -> Headline:
    """The accuracy, and how lines are read."""
    figures = [Figure("accuracy", details.accuracy)]
    if details.lines:
        rate, exact = details.lines.error_rate, details.lines.exact
        figures += [
            Figure("lines: character error rate", rate, lower_is_better=True, of="character"),
            Figure("lines without an error", exact, of="line"),
        ]
    facts = [calibration_fact(details.calibration)]
    return Headline(figures, [f"{details.wrong:,} wrong"], facts=facts)


def probes(
    kind: Classification, model: Model, split: Split, seed: int, quick: bool, whole: bool
) -> list[Probe]:
    """Some of the test pictures, as many for the clock, and whole lines where they are read."""
    test = split.test
    most = len(test) if whole else QUICK_PICTURES if quick else NOISE_PICTURES
    rows = _some(len(test), most, seed)
    recognise = model.pipeline.predict
    found = [
        _recognition(recognise, _pictures(take(test.pictures, rows)), test.targets[rows], seed),
        Probe("Recognition", test.pictures[:TIMED], recognise, corruptions=(), of="picture"),
    ]
    if _reads_lines(kind, model, split):
        found.append(_lines(kind, model, seed, quick))
    return found


def _recognition(recognise: Any, pictures: Pictures, labels: NDArray[Any], seed: int) -> Probe:
    """Pictures with their labels; one that is read rightly is shown, if there is any."""

    def score(answers: Any) -> list[Figure]:
        return [Figure("accuracy", share_right(answers, labels))]

    def shown(answers: Any) -> int:
        right = which_right(answers, labels)
        candidates = np.flatnonzero(right) if right.any() else np.arange(len(right))
        return int(np.random.default_rng(seed).choice(candidates))

    return Probe("Test pictures", pictures, recognise, score, shown=shown)


def _reads_lines(kind: Classification, model: Model, split: Split) -> bool:
    """Whether lines are read: those that a task makes are of its default data."""
    return bool(kind.lines) and split.data["name"] == model.task.default_data


def _line_scores(
    kind: Classification, model: Model, seed: int, quick: bool, progress: Progress | None
) -> LineScores:
    lines = kind.of_lines("trial").samples(QUICK_LINES if quick else MANY_LINES, seed)
    said = _read(kind, model, [line.picture for line in lines])
    if progress:
        progress(1, 1, "lines")
    error, exact = _figures([line.text for line in lines], said)
    return LineScores(error.interval, exact.interval, png_uri(lines[0].picture))


def _lines(kind: Classification, model: Model, seed: int, quick: bool) -> Probe:
    """The first quarter of the lines."""
    count = QUICK_LINES if quick else MANY_LINES
    lines = kind.of_lines("trial").samples(count, seed)[: max(1, count // 4)]
    return Probe(
        LINES,
        [line.picture for line in lines],
        partial(_read, kind, model),
        partial(_figures, [line.text for line in lines]),
        LINE_CORRUPTIONS,
        LINE_SEVERITIES,
    )


def _read(kind: Classification, model: Model, pictures: Sequence[NDArray[np.float32]]) -> list[str]:
    """The text of each picture, nothing where there is none to read."""

    def text(picture: NDArray[np.float32]) -> str:
        try:
            return kind.of_lines("lines").read_line(picture, model.pipeline).text
        except ValueError:
            return ""

    return [text(picture) for picture in pictures]


def _figures(truths: Sequence[str], said: Sequence[str]) -> list[Figure]:
    """Errors per character, and the share of lines without any."""
    errors = [edit_distance(truth, text) for truth, text in zip(truths, said, strict=True)]
    rate = error_rate(errors, [len(truth) for truth in truths])
    exact = wilson(sum(error == 0 for error in errors), len(errors))
    return [
        Figure("character error rate", rate, lower_is_better=True, of="character"),
        Figure("exact lines", exact, of="line"),
    ]


def _pictures(given: Any) -> Pictures:
    """The test pictures to spoil and to show, large ones of different sizes shrunk as if read."""
    pictures = as_pictures(given)
    if isinstance(pictures, np.ndarray):
        return pictures
    return [shrink(picture, WORK) for picture in pictures]


def _some(n: int, most: int, seed: int) -> NDArray[np.intp]:
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))
