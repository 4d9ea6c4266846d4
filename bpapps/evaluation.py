"""What was measured, as plain data: every figure with its count and its 95% interval.

A :class:`Results` holds all that a report shows. It is built from the plain arrays of an
evaluation (labels, probabilities, pictures), written to ``results.json`` and read back; the
report reads nothing else.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import math
import os
import platform
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpapps.measures.intervals import Interval as Interval
from bpapps.measures.intervals import wilson as wilson
from bpapps.verification_records import HardPair as HardPair
from bpapps.verification_records import Histogram as Histogram
from bpapps.verification_records import OwnerRates as OwnerRates
from bpapps.verification_records import Rates as Rates
from bpapps.verification_records import Separation as Separation
from bpapps.verification_records import TraitScore as TraitScore
from bpapps.verification_records import Verification as Verification
from bpapps.verification_records import VerifierNoiseCurve as VerifierNoiseCurve
from bpapps.verification_records import VerifierScores as VerifierScores
from bpapps.writing import write

SCHEMA = 1
"""Version of the layout of ``results.json``; a newer one is refused."""

MANY_CLASSES = 12
"""With more classes than this, top-k accuracy and the most confused pairs are measured too."""

PNG_URI = "data:image/png;base64,"
"""What the data URI of a picture begins with."""

Merge = Callable[[NDArray[Any], NDArray[Any], str], tuple[NDArray[Any], NDArray[Any]]]
"""``merge(probabilities, classes, grouping)`` -> probabilities of the groups, and the groups."""


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
class LinePoint:
    """Lines read under one corruption at one severity; the fields are those of a noise point.

    ``error_rate`` is errors per character, ``exact`` the share of lines without an error.
    """

    severity: int
    setting: str
    error_rate: Interval
    exact: Interval
    picture: str


@dataclass(frozen=True)
class LineCurve:
    """Reading of lines by severity of one corruption; severity 0 is not among its points."""

    name: str
    title: str
    points: list[LinePoint]


@dataclass(frozen=True)
class LineScores:
    """How well whole lines are read: as they are, and under corruptions."""

    clean: LinePoint
    noise: list[LineCurve]


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
class Rival:
    """One of several nets that were measured side by side on the same test pictures.

    ``noise`` maps a corruption's title to the mean accuracy over its severities, the clean one
    left out. ``step_bytes`` is the most memory a training step takes besides the weights.
    ``iterations`` of the activations on the test pictures, and of the error in the last epoch of
    training, are means, of nets that have a fixed point to settle to; ``unsettled`` counts the
    test pictures that did not.
    """

    name: str
    accuracy: Interval
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

    ``made`` says how (command, date, seconds, seed, versions, machine), ``data`` on what
    (name, title, source, licence, sha256, split, n_train, n_test), ``model`` with what
    (preset, layers, n_parameters, settings, started_from: the model that it was trained further
    from, see :func:`bpapps.models.as_start`, or null), ``training`` how long (seconds, epochs,
    samples_per_second, stopped, history: a record an epoch), ``speed`` how fast it predicts
    (pictures_per_second, milliseconds_one). From ``top_k`` on, a part that was not measured is
    empty; ``group_scores`` are worst first.
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
    dependence_reading: str = ""
    scores: list[Score] = field(default_factory=list)
    rivals: list[Rival] = field(default_factory=list)
    step_memory: list[StepMemory] = field(default_factory=list)
    top_k: list[TopK] = field(default_factory=list)
    confused_pairs: list[ConfusedPair] = field(default_factory=list)
    grouping_scores: list[GroupingScore] = field(default_factory=list)
    group_scores: list[GroupScore] = field(default_factory=list)
    lines: LineScores | None = None
    verifier: VerifierScores | None = None

    def to_json(self) -> str:
        """Write as JSON text that :meth:`from_json` reads back to equal results.

        NumPy numbers and arrays in the free dictionaries become plain ones, tuples lists, and a
        number that is not finite null. Raises ValueError where a figure is missing (NaN in an
        interval) or a value has no JSON form.
        """
        plain = {"schema": SCHEMA, **_plain(self, "results")}
        _read(Results, plain, "results")  # what is written can be read
        return json.dumps(plain, allow_nan=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Results:
        """Read what :meth:`to_json` wrote; ValueError that names what is wrong otherwise."""
        try:
            plain = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"results are not JSON ({error})") from None
        if not isinstance(plain, dict) or type(plain.get("schema")) is not int:
            raise ValueError("JSON, but not results that bpapps wrote: it has no schema number")
        schema = plain["schema"]
        if schema > SCHEMA:
            raise ValueError(
                f"results of schema {schema}, this version reads {SCHEMA}: update bpapps"
            )
        if schema != SCHEMA:
            raise ValueError(f"results of an unknown schema {schema}: evaluate again")
        return _read(cls, plain, "results")

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

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Results:
        """Read a file that :meth:`save` wrote; ValueError that names the file otherwise."""
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise ValueError(f"{path}: not results of bpapps, not even text") from None
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def without_pictures(self) -> Results:
        """The same results with no picture of the data, for data that must not be passed on."""
        bare = _read(Results, _without_uris(_plain(self, "results")), "results")
        note = "pictures of the data are left out"
        bare.data["notes"] = "; ".join(filter(None, [bare.data.get("notes"), note]))
        return bare

    def figures(self) -> dict[str, Any]:
        """Return the figures without pictures, bins and histories: what a program wants to read.

        The result is plain JSON data; what was not measured is null or empty.
        """
        summary = {
            "task": self.task,
            "data": {key: self.data.get(key) for key in ("name", "n_train", "n_test", "sha256")},
            "accuracy": self.accuracy,
            "ece": self.calibration.ece,
            "per_class": {
                score.label: {
                    "precision": score.precision.value,
                    "recall": score.recall.value,
                    "f1": score.f1,
                    "n": score.recall.n,
                }
                for score in self.per_class
            },
            "top_k": {str(top.k): top.accuracy for top in self.top_k},
            "groupings": {score.name: score.accuracy for score in self.grouping_scores},
            "groups": {score.name: score.accuracy for score in self.group_scores},
            "lines": self.lines and _line_figures(self.lines),
            "verifier": self.verifier and _verifier_figures(self.verifier),
            "noise": {
                curve.name: {
                    "drop5": curve.drop5,
                    "accuracy": {
                        str(point.severity): point.accuracy.value for point in curve.points
                    },
                }
                for curve in self.noise
            },
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
        return _plain(summary, "figures")


def _without_uris(plain: Any) -> Any:
    """Plain data in which the URI of each picture is empty."""
    if isinstance(plain, dict):
        return {key: _without_uris(value) for key, value in plain.items()}
    if isinstance(plain, list):
        return [_without_uris(value) for value in plain]
    return "" if isinstance(plain, str) and plain.startswith(PNG_URI) else plain


def _line_figures(lines: LineScores) -> dict[str, Any]:
    return {
        "error_rate": lines.clean.error_rate,
        "exact": lines.clean.exact,
        "noise": {
            curve.name: {str(point.severity): point.error_rate.value for point in curve.points}
            for curve in lines.noise
        },
    }


def _verifier_figures(scores: VerifierScores) -> dict[str, Any]:
    return {
        "warning": scores.warning,
        "one": _verification_figures(scores.one),
        "several": [_verification_figures(each) for each in scores.several],
        "equal_strokes": scores.equal_strokes and _verification_figures(scores.equal_strokes),
        "traits": {t.name: {"skilled": t.skilled, "random": t.random} for t in scores.traits},
        "cross": [
            {"data": each.data, **_verification_figures(each.verification)} for each in scores.cross
        ],
        "noise": {
            curve.name: {
                str(p.severity): {"eer": p.eer, "frr": p.frr, "far_skilled": p.far_skilled}
                for p in curve.points
            }
            for curve in scores.noise
        },
    }


def _verification_figures(measured: Verification) -> dict[str, Any]:
    """All but the histogram and the curves."""
    return {
        field.name: _without_curve(getattr(measured, field.name))
        for field in dataclasses.fields(measured)
        if field.name != "histogram"
    }


def _without_curve(value: Any) -> Any:
    if not isinstance(value, Separation):
        return value
    return {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.name != "det"}


# --- intervals ----------------------------------------------------------------------------


def error_rate(errors: ArrayLike, lengths: ArrayLike, draws: int = 2000) -> Interval:
    """Return errors per character over all lines with a 95% interval; n counts the characters.

    Errors of one line go together, so lines are what is drawn anew: the percentile bootstrap of
    Bisani and Ney, "Bootstrap Estimates for Confidence Intervals in ASR Performance Evaluation",
    ICASSP 2004. Where there is no error it knows nothing, and Wilson's interval over the
    characters is taken. Raises ValueError unless there is a positive length for each count.
    """
    wrong, long = np.asarray(errors, dtype=np.int64), np.asarray(lengths, dtype=np.int64)
    if wrong.ndim != 1 or wrong.shape != long.shape or not len(long) or long.min() < 1:
        raise ValueError("each line needs a number of errors and a positive length")
    n = int(long.sum())
    if not wrong.any():
        return wilson(0, n)
    rows = np.random.default_rng(0).integers(len(wrong), size=(draws, len(wrong)))
    rates = wrong[rows].sum(axis=1) / long[rows].sum(axis=1)
    low, high = np.quantile(rates, [0.025, 0.975])
    return Interval(float(wrong.sum() / n), float(low), float(high), n)


# --- metrics ------------------------------------------------------------------------------
# Labels are compared as text, as results.json holds them: 3 and "3" are one class.


def evaluate(
    probabilities: ArrayLike,
    truth: ArrayLike,
    classes: ArrayLike,
    pictures: Sequence[NDArray[Any]] | None = None,
) -> dict[str, Any]:
    """Measure a classifier: the fields of :class:`Results` that follow from its answers.

    ``probabilities`` (n, k) in [0, 1] have a column for each of ``classes`` (k,), ``truth`` (n,)
    are the true labels, ``pictures`` what was shown, each (h, w) in [0, 1]; without them no
    mistakes are listed. Returns accuracy, classes, per_class, confusion, calibration and
    mistakes, and of more than :data:`MANY_CLASSES` also top_k and confused_pairs, to be spread
    into ``Results(**fields, ...)``. Raises ValueError for arrays that do not fit together.
    """
    p, t, names = _answers(probabilities, truth, classes)
    guess = p.argmax(axis=1)
    confusion = _confusion(t, guess, len(names))
    many = len(names) > MANY_CLASSES
    given = (probabilities, truth, classes)
    return {
        "accuracy": wilson(int((guess == t).sum()), len(t)),
        "classes": names,
        "per_class": per_class_scores(confusion, names),
        "confusion": confusion,
        "calibration": calibration(*given),
        "mistakes": [] if pictures is None else mistakes(*given, pictures),
        "top_k": top_k(*given) if many else [],
        "confused_pairs": confused_pairs(*given, pictures) if many else [],
    }


def per_class_scores(confusion: Sequence[Sequence[int]], classes: ArrayLike) -> list[ClassScore]:
    """Precision, recall and F1 from a confusion matrix (rows are the truth).

    A class that was never predicted has a precision of 0 with n = 0, as in scikit-learn.
    """
    counts = np.asarray(confusion, dtype=np.int64)
    right, true, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    return [
        ClassScore(
            label,
            precision=wilson(right[i], predicted[i]),
            recall=wilson(right[i], true[i]),
            f1=float(2 * right[i] / max(true[i] + predicted[i], 1)),
        )
        for i, label in enumerate(_names(classes))
    ]


def calibration(
    probabilities: ArrayLike, truth: ArrayLike, classes: ArrayLike, n_bins: int = 15
) -> Calibration:
    """Compare confidence, the largest probability, with how often the answer is right.

    Expected calibration error over bins of equal width: the mean of |accuracy - confidence|,
    weighted by count (Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural
    Networks", ICML 2017, eq. 5). Bins that nothing fell into are left out; 1 is in the last one.
    """
    p, t, _ = _answers(probabilities, truth, classes)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == t
    edges = np.linspace(0, 1, n_bins + 1)
    bin_of = np.minimum(np.searchsorted(edges, confidence, side="right") - 1, n_bins - 1)
    bins = [
        CalibrationBin(
            low=float(edges[i]),
            high=float(edges[i + 1]),
            n=int(inside.sum()),
            confidence=float(confidence[inside].mean()),
            accuracy=float(right[inside].mean()),
        )
        for i in np.unique(bin_of)
        for inside in [bin_of == i]
    ]
    ece = sum(b.n * abs(b.accuracy - b.confidence) for b in bins) / len(t)
    return Calibration(ece, bins)


def mistakes(
    probabilities: ArrayLike,
    truth: ArrayLike,
    classes: ArrayLike,
    pictures: Sequence[NDArray[Any]],
    limit: int = 24,
) -> list[Mistake]:
    """The wrong answers given with most confidence, the surest first, with their pictures."""
    p, t, names = _answers(probabilities, truth, classes)
    if len(pictures) != len(t):
        raise ValueError(f"there are {len(t)} answers and {len(pictures)} pictures")
    guess, confidence = p.argmax(axis=1), p.max(axis=1)
    wrong = np.flatnonzero(guess != t)
    surest = wrong[np.argsort(-confidence[wrong], kind="stable")][:limit]
    return [
        Mistake(
            index=int(i),
            truth=names[t[i]],
            predicted=names[guess[i]],
            confidence=float(confidence[i]),
            picture=png_uri(pictures[i]),
        )
        for i in surest
    ]


def top_k(
    probabilities: ArrayLike,
    truth: ArrayLike,
    classes: ArrayLike,
    ks: Sequence[int] = (1, 2, 3, 5),
) -> list[TopK]:
    """Count how often the truth is among the ``k`` most probable classes.

    Of equals the first class goes before, as where one answer is given.
    """
    p, t, names = _answers(probabilities, truth, classes)
    own = p[np.arange(len(t)), t][:, None]
    before = (p > own) | ((p == own) & (np.arange(len(names)) < t[:, None]))
    rank = before.sum(axis=1)
    return [TopK(k, wilson(int((rank < k).sum()), len(t))) for k in ks]


def confused_pairs(
    probabilities: ArrayLike,
    truth: ArrayLike,
    classes: ArrayLike,
    pictures: Sequence[NDArray[Any]] | None = None,
    limit: int = 12,
    shown: int = 3,
) -> list[ConfusedPair]:
    """The most frequent confusions, each with pictures of the answers that were surest."""
    p, t, names = _answers(probabilities, truth, classes)
    guess, confidence = p.argmax(axis=1), p.max(axis=1)
    wrong = np.flatnonzero(guess != t)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    cases: dict[tuple[int, int], list[int]] = {}
    for i in wrong.tolist():
        cases.setdefault((int(t[i]), int(guess[i])), []).append(i)
    often = sorted(cases.items(), key=lambda case: (-len(case[1]), case[0]))[:limit]
    return [
        ConfusedPair(
            truth=names[true],
            predicted=names[other],
            n=len(rows),
            pictures=[] if pictures is None else [png_uri(pictures[i]) for i in rows[:shown]],
        )
        for (true, other), rows in often
    ]


def grouping_scores(
    probabilities: ArrayLike,
    truth: ArrayLike,
    classes: ArrayLike,
    groupings: Sequence[str],
    merge: Merge,
) -> list[GroupingScore]:
    """Accuracy in each grouping of the classes that tells something of these data.

    What is left out: a grouping that merges nothing and holds all classes, one that is as
    another, and one that has fewer than two groups or no test picture.
    """
    p, t, names = _answers(probabilities, truth, classes)
    found: dict[tuple[int, ...], GroupingScore] = {}
    for name in groupings:
        groups = _groups_of(names, name, merge)
        n_groups, inside = len(set(groups) - {-1}), groups[t] >= 0
        is_whole = n_groups == len(names)
        if is_whole or n_groups < 2 or not inside.any() or tuple(groups) in found:
            continue
        merged, _ = merge(p[inside], np.array(names), name)
        right = merged.argmax(axis=1) == groups[t[inside]]
        accuracy = wilson(int(right.sum()), len(right))
        found[tuple(groups)] = GroupingScore(name, n_groups, accuracy)
    return list(found.values())


def _groups_of(names: list[str], grouping: str, merge: Merge) -> NDArray[np.intp]:
    """The column of each class's group, -1 for a class that is not in the grouping."""
    try:
        belongs, _ = merge(np.eye(len(names)), np.array(names), grouping)
    except ValueError:  # none of the classes is in it
        return np.full(len(names), -1)
    return np.where(belongs.max(axis=1) == 1, belongs.argmax(axis=1), -1)


def group_scores(
    probabilities: ArrayLike, truth: ArrayLike, classes: ArrayLike, groups: ArrayLike
) -> list[GroupScore]:
    """Accuracy by group of the test pictures, the worst first; ``groups`` (n,) are names."""
    p, t, _ = _answers(probabilities, truth, classes)
    of = np.asarray(groups).astype(str)
    if of.shape != t.shape:
        raise ValueError(f"there are {len(t)} answers and groups of the shape {of.shape}")
    right = p.argmax(axis=1) == t
    scores = [
        GroupScore(str(name), wilson(int(right[of == name].sum()), int((of == name).sum())))
        for name in np.unique(of)
    ]
    return sorted(scores, key=lambda score: score.accuracy.value)


def png_uri(picture: NDArray[Any]) -> str:
    """Return a gray picture (h, w) in [0, 1] as an 8-bit PNG in a data URI."""
    from PIL import Image

    gray = np.asarray(picture, dtype=np.float64)
    if gray.ndim != 2 or not gray.size or not (gray.min() >= 0 and gray.max() <= 1):
        raise ValueError("a picture must be gray values (h, w) in [0, 1]")
    file = io.BytesIO()
    Image.fromarray(np.rint(gray * 255).astype(np.uint8)).save(file, "PNG", optimize=True)
    return PNG_URI + base64.b64encode(file.getvalue()).decode()


def _answers(
    probabilities: ArrayLike, truth: ArrayLike, classes: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.intp], list[str]]:
    """Check that the arrays fit together; return float64 (n, k), true indices (n,), names."""
    names = _names(classes)
    p = np.asarray(probabilities, dtype=np.float64)
    t = _indices(truth, names)
    if p.shape != (len(t), len(names)) or not len(t):
        raise ValueError(
            f"probabilities of the shape {p.shape} do not fit {len(t)} labels of "
            f"{len(names)} classes"
        )
    if not (p.min() >= 0 and p.max() <= 1 + 1e-6):  # NaN fails this too
        raise ValueError("probabilities must lie in [0, 1]")
    return np.minimum(p, 1.0), t, names


def _names(classes: ArrayLike) -> list[str]:
    names = [str(label) for label in np.asarray(classes).ravel()]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"classes must be distinct labels, not {names}")
    return names


def _indices(truth: ArrayLike, names: list[str]) -> NDArray[np.intp]:
    index = {name: i for i, name in enumerate(names)}
    texts = [str(label) for label in np.asarray(truth).ravel()]
    unknown = sorted(set(texts) - set(names))
    if unknown:
        raise ValueError(f"truth has the label {unknown[0]!r}, which is not among the classes")
    return np.array([index[text] for text in texts], dtype=np.intp)


def _confusion(t: NDArray[np.intp], guess: NDArray[np.intp], k: int) -> list[list[int]]:
    return np.bincount(t * k + guess, minlength=k * k).reshape(k, k).tolist()


# --- how it was made ----------------------------------------------------------------------


def made(command: str, seed: int, seconds: float) -> dict[str, Any]:
    """Return what the report says of its making: ``Results.made``, with the date in UTC."""
    return {
        "command": command,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": seconds,
        "seed": seed,
        **environment(),
    }


def environment() -> dict[str, Any]:
    """Return the versions and the machine that figures depend on, as text and numbers."""
    from bpapps import __version__

    versions = {"bpapps": __version__, "python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in ("numpy", "scipy", "scikit-learn")}
    machine = {
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "blas": _blas(),
    }
    return {"versions": versions, "machine": machine}


def _processor() -> str:
    """Return the processor's name; Linux tells it only in a file."""
    if sys.platform == "linux":
        try:
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _blas() -> str:
    """Return the linear algebra library that NumPy has loaded, and its version."""
    from threadpoolctl import threadpool_info

    found = {
        f"{library['internal_api']} {library['version'] or ''}".strip()
        for library in threadpool_info()
        if library["user_api"] == "blas"
    }
    return ", ".join(sorted(found)) or "unknown"


# --- plain data ---------------------------------------------------------------------------


def _plain(value: Any, where: str) -> Any:
    """Turn dataclasses, NumPy values and containers into what JSON knows."""
    if dataclasses.is_dataclass(value):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    raise ValueError(f"{where} is a {type(value).__name__}, which has no place in JSON")


def _read(kind: Any, value: Any, where: str) -> Any:
    """Build a value of a declared type from plain data; ValueError that says where it fails."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _read_fields(kind, value, where)
    if origin is types.UnionType:  # only "X | None" is used
        return None if value is None else _read(inner[0], value, where)
    if origin is list and isinstance(value, list):
        return [_read(inner[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return value
    if kind is float and type(value) in (int, float) and abs(value) <= sys.float_info.max:
        return float(value)
    if kind in (int, str, bool) and type(value) is kind:
        return value
    words = {float: "number", int: "whole number", str: "text", bool: "true or false"}
    wanted = words.get(kind, str(origin or kind))
    raise ValueError(f"{where} must be a {wanted}, not {value!r:.40}")


def _read_fields(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must have fields, not be {value!r:.40}")
    hints = typing.get_type_hints(kind)
    required = [
        f.name
        for f in dataclasses.fields(kind)
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    missing = [name for name in required if name not in value]
    if missing:
        raise ValueError(f"{where} lacks {', '.join(missing)}")
    return kind(
        **{
            name: _read(hint, value[name], f"{where}.{name}")
            for name, hint in hints.items()
            if name in value
        }
    )
