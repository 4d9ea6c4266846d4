"""Trials: a reference of some owner, a questioned picture, what it is, and what the two score.

What a questioned picture may be: genuine, of the owner; a skilled forgery of the owner's; or
random, a genuine picture of somebody else. These words are those of Hafemann, Sabourin and
Oliveira, "Learning features for offline handwritten signature verification using deep
convolutional neural networks", Pattern Recognition 70, 2017.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

KINDS = ("genuine", "skilled", "random")
"""What a questioned picture may be; :attr:`Trials.kind` holds the places in this row."""

GENUINE, SKILLED, RANDOM = range(3)


def _mean_and_max(scores: NDArray, axis: int) -> NDArray:
    return (scores.mean(axis) + scores.max(axis)) / 2


COMBINE: Mapping[str, Callable[..., Any]] = {
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "mean and max": _mean_and_max,
}
"""How the scores with several references become one; ``mean and max`` is midway between those."""

PAIRS_IN_DOUBT = 2
"""Pairs that score 0 and are added to those of an owner's references, see :func:`usual_score`. On
development writers of CEDAR 1 to 3 did best: with two references an EER of 9%, 13% with none.
"""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trials:
    """Scores, and what each is of; all arrays are (t,).

    Args:
        score: higher is more alike; finite.
        kind: places in :data:`KINDS`.
        owner: whose the reference is: places in ``names``.
        by: who made a genuine or random questioned picture; of a skilled forgery the owner.
        names: the owners' names.
        reference, questioned: places of the two pictures among those scored, of several
            references the first; None where trials do not come from pictures.

    Raises ValueError for scores that are not finite and where no trial is genuine.
    """

    score: Floats
    kind: NDArray[np.int8]
    owner: NDArray[np.intp]
    by: NDArray[np.intp]
    names: list[str]
    reference: NDArray[np.intp] | None = None
    questioned: NDArray[np.intp] | None = None

    def __post_init__(self) -> None:
        n = self.score.shape
        if not n == self.kind.shape == self.owner.shape == self.by.shape:
            raise ValueError("trials need as many scores as kinds, owners and makers")
        if not np.isfinite(self.score).all():
            raise ValueError("a score is not a finite number; the verifier that gave it is broken")
        if not (self.kind == GENUINE).any():
            raise ValueError("there is no genuine trial: no owner has two genuine pictures")

    def scores(self, kind: str) -> Floats:
        """The scores of one of :data:`KINDS`."""
        return self.score[self.kind == KINDS.index(kind)]


def pair_trials(scores: ArrayLike, owners: ArrayLike, genuine: ArrayLike) -> Trials:
    """Trials with one reference each: every pair of pictures that means something.

    Two genuine pictures of an owner make one genuine trial, with the earlier as the reference; a
    genuine picture and a forgery of the same owner a skilled one. Each genuine picture is
    questioned against every genuine one of all other owners, which makes the random trials.

    Args:
        scores: (n, n), of the reference in the row and the questioned picture in the column. The
            diagonal is not used, nor is a pair without a genuine picture; NaN makes no trial.
        owners: (n,), whom each picture is, or pretends to be, by.
        genuine: (n,), false for a skilled forgery.

    Raises ValueError for arrays that do not fit, scores that are not finite, and where no owner
    has two genuine pictures.
    """
    matrix, owner, real, names = _checked(scores, owners, genuine)
    same = owner[:, None] == owner
    upper = np.triu(np.ones(same.shape, dtype=bool), k=1)
    both = real[:, None] & real
    masks = (both & same & upper, real[:, None] & ~real & same, both & ~same)
    known = ~np.isnan(matrix)
    pairs = [np.argwhere(mask & known) for mask in masks]
    kind = np.repeat(np.arange(len(KINDS), dtype=np.int8), [len(part) for part in pairs])
    reference, questioned = np.concatenate(pairs).T
    return Trials(
        score=matrix[reference, questioned],
        kind=kind,
        owner=owner[reference],
        by=owner[questioned],
        names=names,
        reference=reference,
        questioned=questioned,
    )


def reference_trials(
    scores: ArrayLike,
    owners: ArrayLike,
    genuine: ArrayLike,
    k: int,
    *,
    draws: int = 10,
    seed: int = 0,
    combine: str = "mean",
    centred: bool = False,
) -> Trials:
    """Trials with ``k`` references each, drawn anew ``draws`` times from an owner's genuine ones.

    Questioned are the owner's other genuine pictures, the forgeries of the owner, and the genuine
    pictures of all others. The k scores of a questioned picture become one. The same seed draws
    the first k of the same order for every k, so that figures of different k can be compared.

    Args:
        scores, owners, genuine: as in :func:`pair_trials`.
        combine: one of :data:`COMBINE`.
        centred: whether the owner's :func:`usual_score` is taken off, which puts owners whose
            signatures vary much and little on one scale. It needs no forgeries.

    Raises ValueError as :func:`pair_trials` does, and for a k that some owner's genuine pictures
    are too few for.
    """
    matrix, owner, real, names = _checked(scores, owners, genuine)
    _check_k(k, np.bincount(owner[real], minlength=len(names)), names, draws, combine)
    parts = []
    for one, name in enumerate(names):
        own = np.flatnonzero(real & (owner == one))
        candidates = np.flatnonzero(real | (owner == one))
        for draw in range(draws):
            rng = np.random.default_rng([seed, draw, zlib.crc32(name.encode())])
            references = rng.permutation(own)[:k]
            questioned = np.setdiff1d(candidates, references)
            score = COMBINE[combine](matrix[np.ix_(references, questioned)], axis=0)
            if centred:
                score = score - usual_score(matrix[np.ix_(references, references)], combine)
            known = ~np.isnan(score)
            score, questioned = score[known], questioned[known]
            parts.append((score, questioned, np.full(len(score), one), references[0]))
    score, questioned, of = (np.concatenate([part[i] for part in parts]) for i in range(3))
    kind = np.where(real[questioned], np.where(owner[questioned] == of, GENUINE, RANDOM), SKILLED)
    first = np.repeat([part[3] for part in parts], [len(part[0]) for part in parts])
    return Trials(score, kind.astype(np.int8), of, owner[questioned], names, first, questioned)


def usual_score(own: Floats, combine: str) -> float:
    """What an owner's k references score, each questioned against the others.

    A mean of few pairs tells little of the owner, so it is drawn towards 0, a net's even odds, as
    by :data:`PAIRS_IN_DOUBT` more pairs of that score: an estimate shrunk after Efron and Morris,
    "Data analysis using Stein's estimator and its generalizations", JASA 70, 1975.

    Args:
        own: scores of the references with each other, (k, k); the diagonal is not used.
        combine: one of :data:`COMBINE`.

    Returns the score; 0 of a single reference.
    """
    k = len(own)
    if k == 1:
        return 0.0
    others = own[~np.eye(k, dtype=bool)].reshape(k, k - 1)
    pairs = k * (k - 1) / 2
    return float(COMBINE[combine](others, axis=1).mean()) * pairs / (pairs + PAIRS_IN_DOUBT)


def _checked(
    scores: ArrayLike, owners: ArrayLike, genuine: ArrayLike
) -> tuple[Floats, NDArray[np.intp], NDArray[np.bool_], list[str]]:
    """Scores (n, n), places of owners (n,), genuine (n,), and the owners' names."""
    matrix, real = np.asarray(scores, dtype=np.float64), np.asarray(genuine, dtype=bool)
    labels = np.asarray(owners)
    if matrix.shape != labels.shape * 2 or real.shape != labels.shape:
        raise ValueError(
            f"scores of the shape {matrix.shape} and genuine of {real.shape} do not fit "
            f"owners of {labels.shape}"
        )
    names, owner = np.unique(labels.astype(str), return_inverse=True)
    return matrix, owner.astype(np.intp), real, names.tolist()


def _check_k(k: int, counts: NDArray[np.intp], names: list[str], draws: int, combine: str) -> None:
    if combine not in COMBINE:
        raise ValueError(f"combine must be one of {', '.join(COMBINE)}, not {combine!r}")
    if k < 1 or draws < 1:
        raise ValueError(f"k and draws must be at least 1, not {k} and {draws}")
    if counts.min() <= k:
        fewest = int(counts.argmin())
        raise ValueError(
            f"{k} references need {k + 1} genuine pictures of each owner, "
            f"but {names[fewest]} has {counts[fewest]}"
        )
