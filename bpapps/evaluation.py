"""What was measured, as plain data: every figure with its count and its 95% interval.

A :class:`Results` holds all that a report shows. It is built from the plain arrays of an
evaluation (labels, probabilities, pictures), written to ``results.json`` and read back; the
report reads nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Interval:
    """A proportion or a mean: its value, the ends of its 95% interval, and its count."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall and F1 of one class; ``n`` of recall is the class's test count."""

    label: str
    precision: Interval
    recall: Interval
    f1: float


@dataclass(frozen=True)
class CalibrationBin:
    """Predictions whose confidence lies in ``[low, high)``: how sure, and how often right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """Reliability diagram and expected calibration error (Guo et al. 2017), 15 equal bins."""

    ece: float
    bins: list[CalibrationBin]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer, its confidence in [0, 1], and the picture as a PNG data URI."""

    index: int
    truth: str
    predicted: str
    confidence: float
    picture: str


@dataclass(frozen=True)
class NoisePoint:
    """Accuracy under one corruption at one severity (0 is the clean picture).

    ``setting`` is the corruption's own parameter in words, such as ``"σ = 0.10"``;
    ``picture`` a sample picture as a PNG data URI.
    """

    severity: int
    setting: str
    accuracy: Interval
    picture: str


@dataclass(frozen=True)
class NoiseCurve:
    """One corruption: accuracy by severity, and the severity that costs 5 points.

    ``drop5`` is interpolated between the measured severities; None where it is not reached.
    """

    name: str
    title: str
    points: list[NoisePoint]
    drop5: float | None


@dataclass(frozen=True)
class DependencePoint:
    """Test accuracy of a net trained anew on less data, or on data with wrong labels.

    ``share`` is the share of the training data used, or of the labels made wrong, in [0, 1].
    """

    share: float
    n_train: int
    accuracy: Interval
    seconds: float


@dataclass(frozen=True)
class Score:
    """A figure over several seeds or folds on a stated protocol: mean, spread and the values.

    ``target`` and ``reference`` are what was asked for and what others reached there;
    ``command`` makes the figure again.
    """

    name: str
    protocol: str
    mean: float
    spread: float
    values: list[float]
    target: float | None
    reference: str
    command: str


@dataclass
class Results:
    """All that was measured of one task's model: what ``results.json`` holds.

    ``made`` says how (command, date, seconds, seed, versions, machine), ``data`` on what
    (name, title, source, licence, sha256, split, n_train, n_test), ``model`` with what
    (preset, layers, n_parameters, settings), ``training`` how long (seconds, epochs,
    samples_per_second, stopped, history: a record an epoch), ``speed`` how fast it predicts
    (pictures_per_second, milliseconds_one).
    """

    task: str
    title: str
    summary: str
    made: dict[str, Any]
    data: dict[str, Any]
    model: dict[str, Any]
    training: dict[str, Any]
    speed: dict[str, Any]
    accuracy: Interval
    classes: list[str]
    per_class: list[ClassScore]
    confusion: list[list[int]]
    calibration: Calibration
    mistakes: list[Mistake]
    noise: list[NoiseCurve] = field(default_factory=list)
    noise_reading: str = ""
    learning_curve: list[DependencePoint] = field(default_factory=list)
    label_noise: list[DependencePoint] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
