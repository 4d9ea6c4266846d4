"""What was measured of one model, as plain records: every figure with its count and its interval.

A :class:`Results` holds all that a report shows. It is written to ``results.json`` and read back
by :func:`bpapps.kinds.load_results`; the report reads nothing else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bpapps.measures.intervals import Interval, long_interval
from bpapps.pictures.png import without_uris
from bpapps.plain import from_plain, to_plain
from bpapps.writing import write

SCHEMA = 2
"""Version of the layout of ``results.json``; a newer one is refused."""


@dataclass(frozen=True)
class Figure:
    """A measured number with its interval, and which way is better.

    ``of`` is what n counts: test picture, writer, line.
    """

    name: str
    interval: Interval
    lower_is_better: bool = False
    of: str = "test picture"

    def __str__(self) -> str:
        return f"{self.name} {long_interval(self.interval)}"

    @property
    def way(self) -> int:
        """1 where higher is better, else -1: a value times this is the better, the higher it is."""
        return -1 if self.lower_is_better else 1


@dataclass(frozen=True)
class Fact:
    """Something said of a model beside its figures, in words: its name, and what stands behind."""

    name: str
    figure: str
    note: str = ""


@dataclass(frozen=True)
class Headline:
    """What is said of a model first: on the terminal, on a page, in an index, in a table.

    The first of ``figures`` is THE score. ``notes`` stand behind it. ``warning`` is to be read
    before anything else; ``label`` says what the data are, where a reader would not expect that.
    """

    figures: list[Figure]
    notes: list[str] = field(default_factory=list)
    warning: str = ""
    label: str = ""
    facts: list[Fact] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.figures:
            raise ValueError("a headline needs a figure")

    @property
    def score(self) -> Figure:
        """THE score."""
        return self.figures[0]


@dataclass(frozen=True)
class NoisePoint:
    """Figures under one corruption at one severity (0 is the clean picture).

    ``setting`` is the corruption's own parameter in words, such as ``"σ = 0.10"``;
    ``picture`` a sample picture as a PNG data URI.
    """

    severity: int
    setting: str
    figures: list[Figure]
    picture: str

    def __post_init__(self) -> None:
        if not self.figures:
            raise ValueError("a point needs a figure")

    @property
    def score(self) -> Interval:
        """The interval of the first figure."""
        return self.figures[0].interval

    def named(self, name: str) -> Interval | None:
        """The interval of the figure of a name, None where it was not measured."""
        return next((each.interval for each in self.figures if each.name == name), None)


@dataclass(frozen=True)
class NoiseCurve:
    """One corruption: figures by severity, and the severity that costs 5 points of the first.

    ``drop5`` is interpolated between the measured severities; None where it is not reached.
    """

    name: str
    title: str
    points: list[NoisePoint]
    drop5: float | None


@dataclass(frozen=True)
class NoiseSweep:
    """What was put through corruptions, how it bore each, and that in words."""

    title: str
    curves: list[NoiseCurve]
    reading: str = ""


@dataclass(frozen=True)
class DependencePoint:
    """THE score of a net trained anew on less data, or on data with wrong targets.

    ``share`` is the share of the training data used, or of the targets made wrong, in [0, 1].
    """

    share: float
    n_train: int
    figure: Figure
    seconds: float

    @property
    def score(self) -> Interval:
        """The interval of the figure."""
        return self.figure.interval


@dataclass(frozen=True)
class Speed:
    """How fast a model answers: ``title`` is what it does, ``of`` what one answer is to."""

    title: str
    of: str
    a_second: float
    milliseconds_one: float


@dataclass(frozen=True)
class Rival:
    """One of several nets that were measured side by side on the same test pictures.

    ``noise`` maps a corruption's title to the mean score over its severities, the clean one left
    out. ``step_bytes`` is the most memory a training step takes besides the weights.
    ``iterations`` of the activations on the test pictures, and of the error in the last epoch of
    training, are means, of nets that have a fixed point to settle to; ``unsettled`` counts the
    test pictures that did not.
    """

    name: str
    figure: Figure
    noise: dict[str, float]
    n_parameters: int
    seconds: float
    epochs: int
    milliseconds_one: float
    step_bytes: int | None = None
    iterations: float | None = None
    backward_iterations: float | None = None
    unsettled: int = 0


@dataclass(frozen=True)
class StepMemory:
    """Bytes that a training step takes, by iterations to a fixed point.

    ``implicit``: with the error settled at the fixed point; ``unrolled``: with backpropagation
    through all iterations.
    """

    iterations: int
    implicit: int
    unrolled: int


@dataclass(frozen=True)
class Score:
    """A figure over several seeds or folds on a stated protocol: mean, spread and the values.

    ``target`` and ``reference`` are what was asked for and what others reached there;
    ``command`` makes the figure again. ``at_most`` says that lower is better, as of error rates.
    """

    name: str
    protocol: str
    mean: float
    spread: float
    values: list[float]
    target: float | None
    reference: str
    command: str
    at_most: bool = False


@dataclass
class Results:
    """All that was measured of one task's model: what ``results.json`` holds.

    ``kind`` names the kind of recognition, whose own record is ``details``. ``made`` says how
    (command, date, seconds, seed, versions, machine), ``data`` on what (name, title, source,
    licence, sha256, split, n_train, n_test), ``model`` with what (preset, layers, n_parameters,
    settings, started_from: the model that it was trained further from, see
    :func:`bpapps.models.as_start`, or null), ``training`` how long (seconds, epochs,
    samples_per_second, stopped, history: a record an epoch). From ``noise`` on, a part that was
    not measured is empty.
    """

    kind: str
    task: str
    title: str
    summary: str
    made: dict[str, Any]
    data: dict[str, Any]
    model: dict[str, Any]
    training: dict[str, Any]
    speed: list[Speed]
    headline: Headline
    details: Any
    noise: list[NoiseSweep] = field(default_factory=list)
    learning_curve: list[DependencePoint] = field(default_factory=list)
    label_noise: list[DependencePoint] = field(default_factory=list)
    dependence_reading: str = ""
    scores: list[Score] = field(default_factory=list)
    rivals: list[Rival] = field(default_factory=list)
    step_memory: list[StepMemory] = field(default_factory=list)

    def to_json(self) -> str:
        """Write as JSON text that :meth:`from_plain` reads back to equal results.

        NumPy numbers and arrays in the free dictionaries become plain ones, tuples lists, and a
        number that is not finite null. Raises ValueError where a figure is missing (NaN in an
        interval) or a value has no JSON form.
        """
        plain = {"schema": SCHEMA, **to_plain(self, "results")}
        Results.from_plain(plain, type(self.details))  # what is written can be read
        return json.dumps(plain, allow_nan=False, indent=1) + "\n"

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], details: type) -> Results:
        """Results of schema 2 from plain data; ``details`` is the type of the kind's own record.

        Raises ValueError that says which field is wrong.
        """
        results = from_plain(cls, plain, "results")
        return replace(results, details=from_plain(details, results.details, "results.details"))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write :meth:`to_json` to a file, whole or not at all; its folder is made if need be.

        Raises ValueError if the file cannot be written.
        """
        path = Path(path)
        text = self.to_json()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, text)
        except OSError as error:
            raise ValueError(f"{path}: cannot be written ({error.strerror})") from None

    def without_pictures(self) -> Results:
        """The same results with no picture of the data, for data that must not be passed on."""
        bare = Results.from_plain(without_uris(to_plain(self, "results")), type(self.details))
        note = "pictures of the data are left out"
        bare.data["notes"] = "; ".join(filter(None, [bare.data.get("notes"), note]))
        return bare

    def figures(self) -> dict[str, Any]:
        """Return the figures without pictures, bins and histories: what a program wants to read.

        The result is plain JSON data; what was not measured is null or empty. ``noise`` is of
        the first sweep, ``more_noise`` of the others by their titles.
        """
        first, others = self.noise[:1], self.noise[1:]
        summary = {
            "task": self.task,
            "kind": self.kind,
            "data": {
                key: self.data.get(key)
                for key in ("name", "n_train", "n_test", "sha256", "left_out")
            },
            "headline": self.headline,
            **self.details.plain(),
            "noise": _noise_figures([curve for sweep in first for curve in sweep.curves]),
            "more_noise": {sweep.title: _noise_figures(sweep.curves) for sweep in others},
            "learning_curve": self.learning_curve,
            "label_noise": self.label_noise,
            "rivals": {rival.name: rival for rival in self.rivals},
            "step_memory": self.step_memory,
            "started_from": self.model.get("started_from"),
            "training": {
                key: self.training.get(key) for key in ("seconds", "epochs", "samples_per_second")
            },
            "speed": self.speed,
            "scores": {
                score.name: {"mean": score.mean, "spread": score.spread, "n": len(score.values)}
                for score in self.scores
            },
            "made": self.made,
        }
        return to_plain(summary, "figures")


def schema_of(plain: Any) -> int:
    """The schema number of results as plain data; ValueError where there is none to read."""
    if not isinstance(plain, dict) or type(plain.get("schema")) is not int:
        raise ValueError("JSON, but not results that bpapps wrote: it has no schema number")
    schema = plain["schema"]
    if schema > SCHEMA:
        raise ValueError(f"results of schema {schema}, this version reads {SCHEMA}: update bpapps")
    if schema < 1:
        raise ValueError(f"results of an unknown schema {schema}: evaluate again")
    return schema


def _noise_figures(curves: Sequence[NoiseCurve]) -> dict[str, Any]:
    """The severity that costs 5 points, and each figure by severity, of each corruption."""
    return {
        curve.name: {
            "drop5": curve.drop5,
            **{
                name: {
                    str(point.severity): interval.value
                    for point in curve.points
                    if (interval := point.named(name))
                }
                for name in dict.fromkeys(f.name for p in curve.points for f in p.figures)
            },
        }
        for curve in curves
    }
