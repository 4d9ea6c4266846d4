"""The parts of a report: what a section is, and those that every kind of recognition may have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple

from bpapps.report import plots, readings, rival_plots, words
from bpapps.results import DependencePoint, Results

Row = Sequence[str]


class Table(NamedTuple):
    """A table of a section as Markdown shows it; without rows it is left out."""

    title: str
    header: Row
    rows: Sequence[Row]
    text: str = ""


def _nothing(results: Results) -> Any:
    return None


def _no_tables(results: Results) -> Sequence[Table]:
    return ()


@dataclass(frozen=True)
class Section:
    """A part of a report, handed in by a kind.

    Args:
        name: its anchor, and its template's.
        title: its heading, which may depend on what there is to show.
        shown: whether there is something to show.
        draw: its plots, which the template finds as ``drawn``.
        tables: the same figures for Markdown.
        terms: what the glossary explains because of it.
        own: words of its own, which the template finds as ``own``, beside ``r``, the results, and
            ``d``, their details.
        package: of the kind whose template it is; none for one of the report's own.
    """

    name: str
    title: str | Callable[[Results], str]
    shown: Callable[[Results], Any]
    draw: Callable[[Results], Any] = _nothing
    tables: Callable[[Results], Sequence[Table]] = _no_tables
    terms: Mapping[str, str] = field(default_factory=dict)
    own: Any = None
    package: str = ""

    @property
    def template(self) -> str:
        """The template of its body."""
        return f"{self.package}/{self.name}.html" if self.package else f"sections/{self.name}.html"

    def heading(self, results: Results) -> str:
        """Its title."""
        return self.title if isinstance(self.title, str) else self.title(results)


INTERVAL = {
    "95% interval": "The test pictures are a sample. If the test were repeated with other pictures "
    "of the same kind, an interval made in this way would hold the true figure in 95 of 100 "
    "cases. Two figures whose intervals overlap widely are not proven to differ.",
}
SEVERITY = {
    "Severity": "How strongly a picture was spoilt before the model saw it: 0 is the clean "
    "picture, and each step is stronger. What a step means is written below each sample picture.",
}


def score_row(score: Any) -> Row:
    """A row of a table of scores over several seeds."""
    return (
        f"{score.name}: {score.protocol}" if score.protocol else score.name,
        f"{words.spread(score)} ({words.runs(score)})",
        words.target(score),
        score.reference or words.DASH,
        words.Code(score.command) if score.command else words.DASH,
    )


SCORES_HEADER = ("What", "Figure", "Target", "Reference", "Command")

MADE = Section(
    "made",
    "What was trained, on what, and how",
    lambda r: r.made or r.data or r.model,
    terms=INTERVAL,
)

SCORES = Section(
    "scores",
    "Scores over several seeds",
    lambda r: r.scores,
    tables=lambda r: [
        Table("Scores over several seeds", SCORES_HEADER, [score_row(s) for s in r.scores])
    ],
    terms={
        "Mean ± spread": "Training starts from random numbers. The spread is the standard "
        "deviation of the results over several such starts, or over several ways to cut the data.",
    },
)

TRAINING = Section(
    "training",
    "Training curves",
    lambda r: r.training.get("history"),
    lambda r: plots.training_curves(r.training["history"]),
)


def calibration(note: str = "") -> Section:
    """Whether the confidence of ``details.calibration`` can be believed; ``note`` is said first."""
    return Section(
        "calibration",
        "Calibration: can its confidence be believed?",
        lambda r: any(b.n for b in r.details.calibration.bins),
        lambda r: plots.reliability(r.details.calibration),
        terms={
            "Calibration": "A model is well calibrated if it is right on 90 of 100 answers it "
            "gives with 90% confidence. The expected calibration error is the average distance "
            "from that: 0% is perfect.",
        },
        own=SimpleNamespace(note=note),
    )


def _draw_noise(results: Results) -> list[plots.Plot]:
    curves = readings.weakest_first(results.noise[0].curves)
    bottom = plots.noise_bottom(curves)
    return [plots.noise(curve, bottom) for curve in curves]


def _noise_tables(results: Results) -> list[Table]:
    sweep = results.noise[0]
    rows = [
        (
            c.title,
            readings.drop(c),
            words.with_interval(c.points[0].score),
            words.with_interval(c.points[-1].score),
        )
        for c in readings.weakest_first(sweep.curves)
    ]
    header = ("Corruption", "Severity that costs 5 points", "Clean", "At the highest severity")
    return [Table("Sensitivity to noise", header, rows, sweep.reading)]


NOISE = Section(
    "noise",
    "Sensitivity to noise",
    lambda r: r.noise and r.noise[0].curves,
    _draw_noise,
    _noise_tables,
    terms={
        **SEVERITY,
        "Costs 5 points at": "The severity, read off the line between two measured ones, at which "
        "accuracy has fallen by 5 percentage points. The larger, the sturdier.",
    },
)
"""For kinds whose score falls under noise."""


def _draw_rivals(results: Results) -> list[plots.Plot]:
    drawn = [rival_plots.noise(results.rivals)] if results.rivals[0].noise else []
    return drawn + ([rival_plots.memory(results.step_memory)] if results.step_memory else [])


RIVALS = Section("rivals", "Side by side with other nets", lambda r: r.rivals, _draw_rivals)


@dataclass(frozen=True)
class Dependence:
    """The words of the section on dependence.

    Args:
        less: what there are fewer of.
        wrong: what is wrong of a target, after a comma.
        note: what is said first.
        name: results -> what THE score is called; by default its own name.
    """

    less: str = "pictures"
    wrong: str = ""
    note: str = ""
    name: Callable[[Results], str] | None = None

    def figure(self, results: Results) -> str:
        """What THE score is called, as a heading."""
        return words.capital(self._called(results))

    def of_the_net(self, results: Results) -> str:
        """The same where a sentence begins with it."""
        return words.capital(self._sentence(results))

    def draw(self, results: Results) -> dict[str, plots.Plot]:
        """A plot of each curve that was measured."""
        called = self._sentence(results)
        drawn = {}
        if results.learning_curve:
            drawn["learning"] = plots.learning_curve(results.learning_curve, called)
        if results.label_noise:
            drawn["labels"] = plots.label_noise(results.label_noise, called)
        return drawn

    def tables(self, results: Results) -> list[Table]:
        """A table of each."""
        called = self.figure(results)
        less = [(words.count(p.n_train), *_trained(p)) for p in results.learning_curve]
        wrong = [(words.share(p.share), *_trained(p)) for p in results.label_noise]
        return [
            Table(
                f"With fewer {self.less}",
                ("Training pictures", called, "Training time"),
                less,
                results.dependence_reading,
            ),
            Table("With wrong labels", ("Wrong labels", called, "Training time"), wrong),
        ]

    def _called(self, results: Results) -> str:
        points = results.learning_curve or results.label_noise
        return self.name(results) if self.name else points[0].figure.name

    def _sentence(self, results: Results) -> str:
        called = self._called(results)
        return called if self.name else f"test {called}"


def _trained(point: DependencePoint) -> Row:
    """THE score of a training, and its time."""
    return words.with_interval(point.score), words.duration(point.seconds)


def dependence(told: Dependence = Dependence()) -> Section:
    """What less data and wrong targets cost."""
    return Section(
        "dependence",
        "Dependence on the training data",
        lambda r: r.learning_curve or r.label_noise,
        told.draw,
        told.tables,
        terms={
            "Learning curve, wrong labels": "How much worse the net becomes with fewer training "
            f"{told.less}, or with some pictures labelled wrongly. If the learning curve still "
            "rises at its end, more data would help.",
        },
        own=told,
    )


def _speeds(results: Results) -> list[tuple[str, str]]:
    """Names and values of what was timed."""
    return [
        fact
        for speed in results.speed
        for fact in (
            (f"{speed.title}, in batches", words.rate(speed.a_second, speed.of)),
            (
                f"{speed.title}, one by one",
                f"{words.milliseconds(speed.milliseconds_one)} a {speed.of}",
            ),
        )
    ]


SPEED = Section(
    "speed",
    "Training time and speed",
    lambda r: r.training or r.speed,
    lambda r: plots.training_time(r.training.get("history") or []),
    own=SimpleNamespace(speeds=_speeds),
)
