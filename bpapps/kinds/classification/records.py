"""What is measured of a classifier, as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bpapps.measures.calibration import Calibration
from bpapps.measures.intervals import Interval


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall and F1 of one class; ``n`` of recall is the class's test count."""

    label: str
    precision: Interval
    recall: Interval
    f1: float


@dataclass(frozen=True)
class Mistake:
    """A wrong answer, its confidence in [0, 1], and the picture as a PNG data URI."""

    index: int
    truth: str
    predicted: str
    confidence: float
    picture: str


@dataclass(frozen=True)
class TopK:
    """How often the truth is among the ``k`` most probable answers."""

    k: int
    accuracy: Interval


@dataclass(frozen=True)
class ConfusedPair:
    """How often one class was taken for another; the surest cases as PNG data URIs."""

    truth: str
    predicted: str
    n: int
    pictures: list[str]


@dataclass(frozen=True)
class GroupingScore:
    """Accuracy where only the group of a class counts, over the pictures in the grouping."""

    name: str
    n_classes: int
    accuracy: Interval


@dataclass(frozen=True)
class GroupScore:
    """Accuracy on one group of the test pictures, such as those of one writer."""

    name: str
    accuracy: Interval


@dataclass(frozen=True)
class LineScores:
    """How well whole lines are read: errors per character, and the share without an error."""

    error_rate: Interval
    exact: Interval
    picture: str


@dataclass(frozen=True)
class Details:
    """All that only classifiers are measured by.

    ``confusion`` has a row for each true class and a column for each answer. From ``top_k`` on, a
    part that was not measured is empty; ``group_scores`` are worst first.
    """

    accuracy: Interval
    classes: list[str]
    per_class: list[ClassScore]
    confusion: list[list[int]]
    calibration: Calibration
    mistakes: list[Mistake]
    top_k: list[TopK] = field(default_factory=list)
    confused_pairs: list[ConfusedPair] = field(default_factory=list)
    grouping_scores: list[GroupingScore] = field(default_factory=list)
    group_scores: list[GroupScore] = field(default_factory=list)
    lines: LineScores | None = None

    @property
    def wrong(self) -> int:
        """How many test pictures were answered wrongly."""
        return round((1 - self.accuracy.value) * self.accuracy.n)

    def plain(self) -> dict[str, Any]:
        """The figures, without pictures and bins."""
        return {
            "accuracy": self.accuracy,
            "ece": self.calibration.ece,
            "per_class": {
                score.label: {
                    "precision": score.precision.value if score.recall.n else None,
                    "recall": score.recall.value if score.recall.n else None,
                    "f1": score.f1 if score.recall.n else None,
                    "n": score.recall.n,
                }
                for score in self.per_class
            },
            "top_k": {str(top.k): top.accuracy for top in self.top_k},
            "groupings": {score.name: score.accuracy for score in self.grouping_scores},
            "groups": {score.name: score.accuracy for score in self.group_scores},
            "lines": self.lines
            and {"error_rate": self.lines.error_rate, "exact": self.lines.exact},
        }

    def told(self) -> list[str]:
        """What stands beside the headline on a terminal."""
        rows = [
            f"  {c.label:>4}  precision {_told(c.precision)}  recall {_told(c.recall)}"
            for c in self.per_class
        ]
        return [f"calibration error {self.calibration.ece:.2%}", *rows]


def _told(share: Interval) -> str:
    """A share of a class; a dash where there was nothing to count."""
    return f"{share.value:.1%}" if share.n else "–"
