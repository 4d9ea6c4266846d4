"""How good a classifier's answers are: accuracy by class, confusions, groupings and groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpapps.data.splits import Part
from bpapps.kinds.classification.records import (
    ClassScore,
    ConfusedPair,
    GroupingScore,
    GroupScore,
    Mistake,
    TopK,
)
from bpapps.measures.answers import checked_answers, class_names
from bpapps.measures.calibration import calibration
from bpapps.measures.intervals import Interval, wilson
from bpapps.pictures.png import png_uri

MANY_CLASSES = 12
"""With more classes than this, top-k accuracy and the most confused pairs are measured too."""

Merge = Callable[[NDArray[Any], NDArray[Any], str], tuple[NDArray[Any], NDArray[Any]]]
"""``merge(probabilities, classes, grouping)`` -> probabilities of the groups, and the groups."""


def evaluate(
    probabilities: ArrayLike,
    truth: ArrayLike,
    classes: ArrayLike,
    pictures: Sequence[NDArray[Any]] | None = None,
) -> dict[str, Any]:
    """Measure a classifier: the fields of its details that follow from its answers.

    ``probabilities`` (n, k) in [0, 1] have a column for each of ``classes`` (k,), ``truth`` (n,)
    are the true labels, ``pictures`` what was shown, each (h, w) in [0, 1]; without them no
    mistakes are listed. Returns accuracy, classes, per_class, confusion, calibration and
    mistakes, and of more than :data:`MANY_CLASSES` also top_k and confused_pairs, to be spread
    into ``Details(**fields, ...)``. Raises ValueError for arrays that do not fit together.
    """
    p, t, names = checked_answers(probabilities, truth, classes)
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


def which_right(predicted: ArrayLike, truth: NDArray[Any]) -> NDArray[np.bool_]:
    """Compare labels: numbers as numbers, anything else as text."""
    guess = np.asarray(predicted)
    if guess.shape != truth.shape:
        raise ValueError(
            f"predict gave labels of the shape {guess.shape}, the true ones are {truth.shape}"
        )
    if {guess.dtype.kind, truth.dtype.kind} <= set("biuf"):
        return guess == truth
    return guess.astype(str) == truth.astype(str)


def share_right(predicted: ArrayLike, truth: NDArray[Any]) -> Interval:
    """The share of labels that are the true ones, with Wilson's 95% interval."""
    right = which_right(predicted, truth)
    return wilson(int(right.sum()), len(right))


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
        for i, label in enumerate(class_names(classes))
    ]


def mistakes(
    probabilities: ArrayLike,
    truth: ArrayLike,
    classes: ArrayLike,
    pictures: Sequence[NDArray[Any]],
    limit: int = 24,
) -> list[Mistake]:
    """The wrong answers given with most confidence, the surest first, with their pictures."""
    p, t, names = checked_answers(probabilities, truth, classes)
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
    p, t, names = checked_answers(probabilities, truth, classes)
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
    p, t, names = checked_answers(probabilities, truth, classes)
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
    p, t, names = checked_answers(probabilities, truth, classes)
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
    p, t, _ = checked_answers(probabilities, truth, classes)
    of = np.asarray(groups).astype(str)
    if of.shape != t.shape:
        raise ValueError(f"there are {len(t)} answers and groups of the shape {of.shape}")
    right = p.argmax(axis=1) == t
    scores = [
        GroupScore(str(name), wilson(int(right[of == name].sum()), int((of == name).sum())))
        for name in np.unique(of)
    ]
    return sorted(scores, key=lambda score: score.accuracy.value)


def _confusion(t: NDArray[np.intp], guess: NDArray[np.intp], k: int) -> list[list[int]]:
    return np.bincount(t * k + guess, minlength=k * k).reshape(k, k).tolist()


def of_known_classes(part: Part, classes: ArrayLike) -> tuple[Part, str]:
    """The pictures of a part whose class is known, and a line that counts the others.

    Labels are compared as text. The line is empty where there are none.
    """
    names = [str(label) for label in part.targets]
    known = np.isin(names, class_names(classes))
    if known.all():
        return part, ""
    strange = sorted(set(np.array(names)[~known].tolist()))
    told = ", ".join(strange[:3]) + (f" and {len(strange) - 3} more" if len(strange) > 3 else "")
    note = (
        f"{(~known).sum():,} of {len(known):,} pictures are left out: the model does not know "
        f"their classes, {told}"
    )
    return part.take(np.flatnonzero(known)), note
