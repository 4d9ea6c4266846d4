"""What of a classifier is put through corruptions, and how its lines are read."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bpapps.data.splits import Part, Split
from bpapps.experiments import noise_sweep
from bpapps.kinds.classification import Classification, measuring
from bpapps.kinds.classification.metrics import share_right
from bpapps.measures.intervals import wilson
from bpapps.measures.strings import error_rate
from bpapps.pictures.png import png_uri
from bpapps.results import Figure

SHADES = np.linspace(0, 1, 10, dtype=np.float32)[:, None, None] * np.ones((8, 8), np.float32)
NOTHING = Part(SHADES[:0], np.arange(0))


class Known:
    """A fitted pipeline that gives each shade its number, whatever is done to it."""

    classes_ = np.arange(10)

    def predict(self, pictures: Any) -> np.ndarray:
        return np.arange(10)[: len(pictures)]

    def predict_proba(self, pictures: Any) -> np.ndarray:
        return np.eye(10)[self.predict(pictures)]

    def __getitem__(self, place: int) -> Known:
        return self


def model(pipeline: Any = None) -> Any:
    return SimpleNamespace(task=SimpleNamespace(default_data="own"), pipeline=pipeline or Known())


def split(labels: np.ndarray, pictures: Any = SHADES, name: str = "own") -> Split:
    return Split(NOTHING, None, Part(pictures, labels), {"name": name})


def probes(given: Split, kind: Classification | None = None, seed: int = 0, **told: Any) -> Any:
    kind = kind or Classification()
    return kind.probes(told.pop("model", model()), given, seed=seed, quick=False, **told)


@pytest.mark.parametrize("seed", range(5))
def test_the_sample_is_one_that_is_read_rightly(seed: int) -> None:
    first, timed = probes(split(np.where(np.arange(10) == 7, 7, 99)), seed=seed)
    assert first.title == "Test pictures"
    assert first.shown(first.ask(first.pictures)) == 7
    assert first.score(first.ask(first.pictures)) == [Figure("accuracy", wilson(1, 10))]
    assert (timed.of, timed.corruptions) == ("picture", ())
    (curve,) = noise_sweep(_only(first)).curves
    assert curve.points[0].picture == png_uri(SHADES[7])


def test_where_none_is_read_rightly_some_picture_is_shown() -> None:
    first, _ = probes(split(np.full(10, 99)))
    assert first.shown(first.ask(first.pictures)) in range(10)


def _only(probe: Any) -> Any:
    return replace(probe, corruptions=["blur"], severities=[1])


@pytest.mark.parametrize("answer", [str, np.str_, float, int])
def test_labels_are_compared_as_numbers_or_as_text(answer: type) -> None:
    truth = np.arange(10) if answer in (float, int) else np.arange(10).astype(str)
    assert share_right([answer(label) for label in range(10)], truth).value == 1


def test_answers_of_another_shape_are_named() -> None:
    with pytest.raises(ValueError, match=r"shape \(1,\), the true ones are \(10,\)"):
        share_right([1], np.arange(10))


def test_a_part_of_many_pictures_is_drawn_by_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "NOISE_PICTURES", 4)
    given = split(np.arange(10))
    first, again, other = (probes(given, seed=seed)[0].pictures for seed in (0, 0, 1))
    assert len(first) == 4
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len(probes(given, whole=True)[0].pictures) == 10


@pytest.mark.parametrize(
    ("labels", "kept", "says"),
    [
        (range(10), 10, ""),
        (list("0123456789"), 10, ""),
        ([98, 1, 2, 98, 4, 5, 6, 7, 8, 9], 8, "2 of 10 pictures are left out: .* classes, 98$"),
        (range(90, 100), 0, "10 of 10 pictures are left out: .* classes, 90, 91, 92 and 7 more$"),
    ],
)
def test_pictures_of_classes_that_the_model_does_not_know_are_left_out(
    labels: Any, kept: int, says: str
) -> None:
    part = Part(SHADES, np.array(list(labels)))
    usable, note = Classification().usable(model(), part)
    assert len(usable) == len(usable.pictures) == kept
    assert set(map(str, usable.targets)) <= set("0123456789")
    assert re.search(says, note)
    assert bool(note) == bool(says)


# --- lines --------------------------------------------------------------------------------

TEXTS = ["abc", "abcd", "ab"]


def line(text: str) -> Any:
    picture = np.full((8, 10 * len(text)), 0.5, dtype=np.float32)
    return SimpleNamespace(text=text, picture=picture)


def read_line(picture: np.ndarray, pipeline: Any) -> Any:
    """The text of so many letters, if the picture is clean; else one letter less, or nothing."""
    text = "abcd"[: picture.shape[1] // 10]
    if picture.std() > 0 and text == "ab":
        raise ValueError("nothing to read")
    return SimpleNamespace(text=text[: len(text) - (picture.std() > 0)])


@dataclass(frozen=True)
class OfLines(Classification):
    """Lines of which three are made, and read by their width."""

    lines: str = "here"

    def of_lines(self, name: str) -> Any:
        modules = {
            "trial": SimpleNamespace(samples=lambda n, seed: list(map(line, TEXTS))),
            "lines": SimpleNamespace(read_line=read_line),
        }
        return modules[name]


def test_lines_are_read_clean() -> None:
    details = OfLines().measure(model(), split(np.arange(10)), seed=0, quick=False, progress=None)
    assert details.lines.error_rate == wilson(0, 9)
    assert details.lines.exact == wilson(3, 3)
    assert details.lines.picture == png_uri(line("abc").picture)
    names = [figure.name for figure in measuring.headline(details).figures]
    assert names == ["accuracy", "lines: character error rate", "lines without an error"]


def test_lines_are_read_spoilt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "MANY_LINES", 12)  # a quarter of them is spoilt
    asked = probes(split(np.arange(10)), OfLines())[-1]
    assert (asked.title, asked.of) == ("Whole lines", "")
    curves = {curve.name: curve for curve in noise_sweep(asked).curves}
    assert set(curves) == set(measuring.LINE_CORRUPTIONS)
    clean, *gaussian = curves["gaussian"].points
    assert [figure.interval for figure in clean.figures] == [wilson(0, 9), wilson(3, 3)]
    assert [point.severity for point in gaussian] == [1, 2, 3]
    for point in gaussian:
        assert point.named("character error rate") == error_rate([1, 1, 2], [3, 4, 2])
        assert point.named("exact lines") == wilson(0, 3)
    assert {p.named("exact lines") for p in curves["contrast"].points} == {wilson(3, 3)}
    monkeypatch.setattr(measuring, "MANY_LINES", 8)
    assert len(probes(split(np.arange(10)), OfLines())[-1].pictures) == 2


def test_lines_that_a_task_makes_are_not_of_other_data() -> None:
    given = split(np.arange(10), name="folder")
    assert [probe.title for probe in probes(given, OfLines())] == ["Test pictures", "Recognition"]
    details = OfLines().measure(model(), given, seed=0, quick=True, progress=None)
    assert details.lines is None
