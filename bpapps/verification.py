"""How well a verifier tells the pictures of one person from everybody else's.

A verifier scores pairs of pictures: the higher, the more alike. Here the scores become trials (a
reference of some owner, a questioned picture, what it is), and the trials error rates with 95%
intervals. What a questioned picture may be: genuine, of the owner; a skilled forgery of the
owner's; or random, a genuine picture of somebody else. These words and the rates are those of
Hafemann, Sabourin and Oliveira, "Learning features for offline handwritten signature verification
using deep convolutional neural networks", Pattern Recognition 70, 2017.

A picture is accepted where its score is at least the threshold. FRR is the share of genuine
trials that are rejected, FAR the share of forgeries that are accepted. Two sorts of figures must
not be mixed up. :class:`Rates` are at thresholds that development data fixed: what one may expect
in use. :class:`Separation` is measured with thresholds chosen afterwards, on the scores that are
judged: good for comparing verifiers, and lower than anyone will see in use.

Trials of one owner are alike, so intervals come from drawing owners anew, not pairs: the subset
bootstrap of Bolle, Ratha and Pankanti, "Error analysis of pattern recognition systems: the subsets
bootstrap", Computer Vision and Image Understanding 93, 2004.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpapps.measures.intervals import Interval, wilson
from bpapps.verification_records import (
    DetPoint,
    FrrAtFar,
    Histogram,
    OwnerRates,
    Rates,
    Separation,
    Threshold,
    Verification,
)

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

FARS = (0.01, 0.001)
"""The false acceptance rates at which :class:`Separation` gives the FRR."""

DET_POINTS = 100
EDGES = 1000  # quantiles of each kind that scores are binned by for the bootstrap
HISTOGRAM_BINS = 40

Floats = NDArray[np.float64]


# --- trials -------------------------------------------------------------------------------


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


# --- thresholds ---------------------------------------------------------------------------


def choose_threshold(
    development: Trials, *, far: float | None = None, against: str = "skilled"
) -> Threshold:
    """Choose a threshold on development trials: by a wanted FAR, or where FAR = FRR.

    With ``far``, in [0, 1), it is the lowest that accepts at most this share of the forgeries,
    equal scores included; fewer than 1/far forgeries then all have to be rejected. Without, it is
    where the two rates differ least, of equals the one with the lower FAR. It lies midway
    between the neighbouring scores. Raises ValueError without forgeries of the kind ``against``.
    """
    if far is not None and not 0 <= far < 1:
        raise ValueError(f"a wanted FAR must lie in [0, 1), not {far}")
    thresholds, frrs, fars = roc(development, against)
    if far is None:
        at = len(thresholds) - 1 - int(np.abs(frrs - fars)[::-1].argmin())
    else:
        at = int((fars <= far + 1e-12).argmax())
    value = thresholds[at]
    if 0 < at < len(thresholds) - 1:
        middle = thresholds[at - 1] / 2 + value / 2
        value = middle if thresholds[at - 1] < middle else value  # else no float is between them
    rule = "FAR = FRR" if far is None else f"FAR at most {100 * far:g}%"
    counted = np.unique(development.owner[development.kind == KINDS.index(against)])
    return Threshold(float(value), rule, against, float(fars[at]), float(frrs[at]), len(counted))


# --- from scores to figures ---------------------------------------------------------------
# Thresholds rise along the last axis: FRR goes from 0 up to 1, FAR from 1 down to 0.


def roc(trials: Trials, against: str = "skilled") -> tuple[Floats, Floats, Floats]:
    """Thresholds, FRR and FAR, each (m,), of all thresholds that differ, rising.

    The first accepts everything, the last nothing. Equal scores are one threshold. Raises
    ValueError without forgeries of the kind ``against``.
    """
    forged = trials.scores(_forgery(against))
    if not len(forged):
        raise ValueError(f"there are no {against} forgeries to measure against")
    return _roc(trials.scores("genuine"), forged)


def equal_error_rate(trials: Trials, against: str = "skilled") -> float:
    """The error rate where FAR = FRR, between two thresholds by a straight line of the ROC.

    Its threshold is chosen afterwards, on these very trials: say so where it is shown.
    """
    return float(_eer(*roc(trials, against)[1:]))


def _forgery(against: str) -> str:
    if against not in KINDS[1:]:
        raise ValueError(f"forgeries are skilled or random, not {against!r}")
    return against


def _roc(genuine: Floats, forged: Floats) -> tuple[Floats, Floats, Floats]:
    genuine, forged = np.sort(genuine), np.sort(forged)
    seen = np.unique(np.concatenate([genuine, forged]))
    thresholds = np.append(seen, np.nextafter(seen[-1], np.inf))
    rejected = np.searchsorted(genuine, thresholds)
    accepted = len(forged) - np.searchsorted(forged, thresholds)
    return thresholds, rejected / len(genuine), accepted / len(forged)


def _eer(frr: Floats, far: Floats) -> Floats:
    """Where the ROC's straight pieces meet FAR = FRR; (..., m) -> (...)."""
    gap = frr - far
    after = np.maximum((gap >= 0).argmax(axis=-1), 1)[..., None]
    gap_before, gap_after = _at(gap, after - 1), _at(gap, after)
    way = -gap_before / (gap_after - gap_before)
    before = _at(frr, after - 1)
    return before + way * (_at(frr, after) - before)


def _auc(frr: Floats, far: Floats) -> Floats:
    """The chance that a genuine score is above a forged one, equals counted half."""
    accepted = 1 - (frr[..., 1:] + frr[..., :-1]) / 2
    return (accepted * -np.diff(far, axis=-1)).sum(axis=-1)


def _frr_at(far_wanted: float, frr: Floats, far: Floats) -> Floats:
    first = (far <= far_wanted + 1e-12).argmax(axis=-1)[..., None]
    return _at(frr, first)


def _at(values: Floats, places: NDArray[np.intp]) -> Floats:
    return np.take_along_axis(values, places, axis=-1)[..., 0]


# --- measuring ----------------------------------------------------------------------------


def measure(
    folds: Trials | Sequence[Trials],
    thresholds: Sequence[Sequence[Threshold]] | Sequence[Threshold] = (),
    *,
    protocol: str = "",
    draws: int = 1000,
    seed: int = 0,
) -> Verification:
    """Measure a verifier, or the verifiers of several folds, on the trials of their tests.

    Args:
        folds: the test trials of each fold, or of the only one. No owner is in two folds. Folds
            may have scores on scales of their own.
        thresholds: for each fold, the thresholds that its development trials chose, each fold's
            by the same rules in the same order; of one fold its list will do. The first is what
            puts folds on one scale.
        protocol: in words what the trials are, such as ``"5 references, mean score"``.
        draws, seed: of the bootstrap over owners.

    Rates pool the trials of all folds, each at its fold's threshold. What a kind without trials
    would tell is None. Raises ValueError for fewer than two owners, an owner in two folds, and
    thresholds that do not fit the folds; several folds need them.
    """
    parts = [folds] if isinstance(folds, Trials) else list(folds)
    chosen = _by_fold(thresholds, len(parts))
    trials, fold = _pooled(parts)
    n = len(trials.names)
    if n < 2:
        raise ValueError(f"{n} owner is tested; an interval over owners needs at least two")
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)
    sample = _Sample(trials, fold, weights.astype(np.float64))
    shifts = np.array([rules[0].value if rules else 0.0 for rules in chosen])
    shifted = replace(sample, trials=replace(trials, score=trials.score - shifts[sample.folds]))
    counts = np.bincount(trials.kind, minlength=len(KINDS)).tolist()
    rules = list(zip(*chosen, strict=True))
    return Verification(
        protocol=protocol,
        n_owners=n,
        n_folds=len(parts),
        n_genuine=counts[GENUINE],
        n_skilled=counts[SKILLED],
        n_random=counts[RANDOM],
        rates=[_rates(sample, rule) for rule in rules],
        skilled=_separation(sample, shifted, SKILLED) if counts[SKILLED] else None,
        random=_separation(sample, shifted, RANDOM) if counts[RANDOM] else None,
        histogram=histogram(shifted.trials),
        owners=_owner_rates(sample, rules[0]) if rules else [],
    )


@dataclass(frozen=True, eq=False)
class _Sample:
    """Trials, the fold of each owner (n,), and how often each draw took each owner (draws, n)."""

    trials: Trials
    fold: NDArray[np.intp]
    weights: Floats

    @property
    def folds(self) -> NDArray[np.intp]:
        """The fold of each trial."""
        return self.fold[self.trials.owner]

    def wrong(self, rule: Sequence[Threshold]) -> NDArray[np.bool_]:
        """Which trials are decided wrongly at the threshold of their fold; (t,)."""
        limits = np.array([threshold.value for threshold in rule])
        accepted = self.trials.score >= limits[self.folds]
        return accepted != (self.trials.kind == GENUINE)


def _by_fold(
    thresholds: Sequence[Sequence[Threshold]] | Sequence[Threshold], n_folds: int
) -> list[list[Threshold]]:
    """The thresholds of each fold, by the same rules."""
    if not len(thresholds):
        if n_folds > 1:
            raise ValueError("several folds need thresholds, which put their scores on one scale")
        return [[]]
    flat = [one for one in thresholds if isinstance(one, Threshold)]
    chosen = [flat] if flat else [list(one) for one in thresholds if not isinstance(one, Threshold)]
    if len(chosen) != n_folds:
        raise ValueError(f"folds: {n_folds}, but thresholds are of {len(chosen)}")
    rules = {tuple((one.rule, one.against) for one in fold) for fold in chosen}
    if len(rules) != 1:
        raise ValueError("the folds' thresholds were not chosen by the same rules in one order")
    return chosen


def _pooled(parts: Sequence[Trials]) -> tuple[Trials, NDArray[np.intp]]:
    """All folds' trials as one, and the fold of each owner."""
    if not parts:
        raise ValueError("there is no fold to measure")
    names = [name for part in parts for name in part.names]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice} is tested in two folds; each owner belongs to one")
    sizes = [len(part.names) for part in parts]
    starts = np.cumsum([0, *sizes[:-1]])
    trials = Trials(
        np.concatenate([part.score for part in parts]),
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.owner + start for part, start in zip(parts, starts, strict=True)]),
        np.concatenate([part.by + start for part, start in zip(parts, starts, strict=True)]),
        names,
    )
    return trials, np.repeat(np.arange(len(parts)), sizes)


def _rates(sample: _Sample, rule: Sequence[Threshold]) -> Rates:
    wrong = sample.wrong(rule)
    shares = [_share(sample, wrong, kind) for kind in range(len(KINDS))]
    frr, skilled, random = (share and _interval(*share) for share in shares)
    assert frr is not None  # trials without a genuine one are refused
    average = None if skilled is None else _average(shares[GENUINE], shares[SKILLED])
    values = [one.value for one in rule]
    return Rates(rule[0].rule, rule[0].against, values, frr, skilled, random, average)


def _average(*shares: tuple[float, Floats, int] | None) -> Interval:
    """The mean of several shares of one sample, drawn together."""
    values, drawn, owners = zip(*filter(None, shares), strict=True)
    return _interval(float(np.mean(values)), np.mean(drawn, axis=0), min(owners))


def _share(
    sample: _Sample, wrong: NDArray[np.bool_], kind: int
) -> tuple[float, Floats, int] | None:
    """The share of wrong trials of a kind, that in each draw, and the number of owners."""
    trials, weights = sample.trials, sample.weights
    mine = trials.kind == kind
    if not mine.any():
        return None
    n = len(trials.names)
    pair = trials.owner[mine] * n + trials.by[mine]
    counts = np.bincount(pair, minlength=n * n).reshape(n, n).astype(np.float64)
    errors = np.bincount(pair, wrong[mine], n * n).reshape(n, n).astype(np.float64)
    owners = int((counts.sum(axis=1) > 0).sum())
    with np.errstate(invalid="ignore"):  # a draw may hold no owner with such trials
        drawn = _drawn(weights, errors, kind) / _drawn(weights, counts, kind)
    return float(errors.sum() / counts.sum()), drawn, owners


def _drawn(weights: Floats, counts: Floats, kind: int) -> Floats:
    """The sum of counts (n, n) by owner and maker in each draw.

    A random trial is of two people, and is there as often as both are: the product of their
    weights. Drawing its owner alone would make its interval too narrow.
    """
    if kind == RANDOM:
        return ((weights @ counts) * weights).sum(axis=1)
    return weights @ counts.sum(axis=1)


def _owner_rates(sample: _Sample, rule: Sequence[Threshold]) -> list[OwnerRates]:
    """Each owner's rates, the highest sum of the two first."""
    trials, wrong = sample.trials, sample.wrong(rule)
    n = len(trials.names)
    counts, errors = np.zeros((2, n), dtype=np.intp), np.zeros((2, n))
    for kind in (GENUINE, SKILLED):
        mine = trials.kind == kind
        counts[kind] = np.bincount(trials.owner[mine], minlength=n)
        errors[kind] = np.bincount(trials.owner[mine], wrong[mine], minlength=n)
    found = []
    for one, name in enumerate(trials.names):
        frr, far = (
            float(errors[kind, one] / counts[kind, one]) if counts[kind, one] else None
            for kind in (GENUINE, SKILLED)
        )
        n_genuine, n_skilled = (int(counts[kind, one]) for kind in (GENUINE, SKILLED))
        found.append(OwnerRates(name, n_genuine, n_skilled, frr, far))
    return sorted(found, key=lambda one: -((one.frr or 0) + (one.far_skilled or 0)))


def _separation(sample: _Sample, shifted: _Sample, kind: int) -> Separation:
    """What thresholds chosen afterwards would do, with the folds' own scores and shifted."""
    trials = shifted.trials
    thresholds, frr, far = roc(trials, KINDS[kind])
    drawn = _drawn_roc(shifted, kind)
    n = len(np.unique(trials.owner[(trials.kind == GENUINE) | (trials.kind == kind)]))
    folds = list(_fold_eers(sample, kind))
    values = [value for value, _ in folds]
    drawn_eers = np.array([draws for _, draws in folds])
    return Separation(
        KINDS[kind],
        eer=_interval(float(np.mean(values)), _mean(drawn_eers), n),
        eer_folds=values,
        eer_pooled=_interval(float(_eer(frr, far)), _eer(*drawn), n),
        eer_own=_own_eer(sample, kind),
        auc=_interval(float(_auc(frr, far)), _auc(*drawn), n),
        frr_at_far=[
            FrrAtFar(one, _interval(float(_frr_at(one, frr, far)), _frr_at(one, *drawn), n))
            for one in FARS
        ],
        det=_thinned(thresholds, frr, far),
    )


def _fold_eers(sample: _Sample, kind: int) -> Iterator[tuple[float, Floats]]:
    """The EER of each fold that has forgeries of the kind, and that in each draw of owners."""
    folds = sample.folds
    for one in range(sample.fold.max() + 1):
        part = replace(sample, trials=_only(sample.trials, folds == one))
        if (part.trials.kind == kind).any():
            value = equal_error_rate(part.trials, KINDS[kind])
            yield value, _eer(*_drawn_roc(part, kind))


def _mean(drawn: Floats) -> Floats:
    """The mean over folds, (folds, draws) -> (draws,), without those that a draw has nothing of."""
    known = np.isfinite(drawn)
    with np.errstate(invalid="ignore"):
        return np.where(known, drawn, 0).sum(axis=0) / known.sum(axis=0)


def _only(trials: Trials, mask: NDArray[np.bool_]) -> Trials:
    return Trials(
        trials.score[mask], trials.kind[mask], trials.owner[mask], trials.by[mask], trials.names
    )


def _own_eer(sample: _Sample, kind: int) -> Interval | None:
    """The mean over owners of their EER at thresholds of their own; None without any."""
    trials = sample.trials
    order = np.argsort(trials.owner, kind="stable")
    bounds = np.searchsorted(trials.owner[order], np.arange(len(trials.names) + 1))
    eers = np.full(len(trials.names), np.nan)
    for one, rows in enumerate(np.split(order, bounds[1:-1])):
        scores, kinds = trials.score[rows], trials.kind[rows]
        genuine, forged = scores[kinds == GENUINE], scores[kinds == kind]
        if len(genuine) and len(forged):
            eers[one] = _eer(*_roc(genuine, forged)[1:])
    known = np.isfinite(eers)
    if not known.any():
        return None
    weights = sample.weights[:, known]
    with np.errstate(invalid="ignore"):
        drawn = (weights @ eers[known]) / weights.sum(axis=1)
    return _interval(float(eers[known].mean()), drawn, int(known.sum()))


# --- the bootstrap ------------------------------------------------------------------------
# Scores are binned once, by quantiles, into counts for each owner; a draw of owners then only
# adds up counts. The values are exact, only the ends of the intervals come from the bins.


def _interval(value: float, drawn: Floats, n: int) -> Interval:
    """The middle 95% of what the draws gave, which the value is never outside of.

    Where neither the sample nor any draw has an error, or anything but errors, drawing anew
    tells nothing, and Wilson's interval for that many owners is taken.
    """
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return Interval(value, 0.0, 1.0, n)
    low, high = (float(end) for end in np.quantile(drawn, [0.025, 0.975]))
    if value in (0.0, 1.0) and low == high == value:
        return wilson(int(value) * n, n)
    return Interval(value, min(low, value), max(high, value), n)


def _drawn_roc(sample: _Sample, kind: int) -> tuple[Floats, Floats]:
    """FRR and FAR in each draw, (draws, m); NaN where it has no genuine or no forged trial."""
    trials = sample.trials
    edges = _edges(trials, kind)
    genuine, forged = (_drawn_counts(sample, one, edges) for one in (GENUINE, kind))
    with np.errstate(invalid="ignore"):
        frr, far = _below(genuine), 1 - _below(forged)
    missing = np.isnan(frr[:, :1] + far[:, :1])
    return np.where(missing, np.nan, frr), np.where(missing, np.nan, far)


def _below(counts: Floats) -> Floats:
    """The shares of scores below each edge, and below none; (draws, m) -> (draws, m + 1)."""
    sums = np.cumsum(counts, axis=1)
    return np.pad(sums, ((0, 0), (1, 0))) / sums[:, -1:]


def _edges(trials: Trials, kind: int) -> Floats:
    """Scores that bin all scores: quantiles, close together where few forgeries are accepted."""
    tail = 1 - np.logspace(-1, -5, EDGES // 2)
    shares = np.unique(np.concatenate([np.linspace(0, 1, EDGES), tail]))
    found = [
        np.quantile(trials.score[trials.kind == one], shares, method="lower")
        for one in (GENUINE, kind)
    ]
    return np.unique(np.concatenate(found))


def _drawn_counts(sample: _Sample, kind: int, edges: Floats) -> Floats:
    """How many scores of a kind each draw has in each bin; (draws, m)."""
    mine, n, m = sample.trials.kind == kind, len(sample.trials.names), len(edges)
    owner, by = sample.trials.owner[mine], sample.trials.by[mine]
    bins = np.searchsorted(edges, sample.trials.score[mine], side="right") - 1
    if kind != RANDOM:
        counts = np.bincount(owner * m + bins, minlength=n * m).reshape(n, m)
        return sample.weights @ counts.astype(np.float64)
    total = np.zeros((len(sample.weights), m))
    order = np.argsort(owner, kind="stable")
    for rows in np.split(order, np.searchsorted(owner[order], np.arange(1, n))):
        if len(rows):  # a pair is there as often as both of its people, as in _drawn
            counts = np.bincount(by[rows] * m + bins[rows], minlength=n * m).reshape(n, m)
            drawn = sample.weights @ counts.astype(np.float64)
            total += sample.weights[:, owner[rows[0]], None] * drawn
    return total


# --- for drawing --------------------------------------------------------------------------


def _thinned(thresholds: Floats, frr: Floats, far: Floats) -> list[DetPoint]:
    """At most :data:`DET_POINTS` points, evenly far apart on normal-deviate axes.

    There 0 and 1 lie at infinity; for the distances they count as half of the next rate.
    """
    from scipy.special import ndtri

    steps = []
    for rate in (frr, far):
        least = np.diff(np.unique(rate)).min() / 2
        steps.append(np.abs(np.diff(ndtri(np.clip(rate, least, 1 - least)))))
    way = np.append(0, np.cumsum(steps[0] + steps[1]))
    kept = np.unique(np.searchsorted(way, np.linspace(0, way[-1], DET_POINTS)))
    return [DetPoint(float(thresholds[i]), float(far[i]), float(frr[i])) for i in kept]


def histogram(trials: Trials, n_bins: int = HISTOGRAM_BINS) -> Histogram:
    """Count the scores of each kind in bins of equal width.

    They reach from the 0.1% to the 99.9% quantile of the kinds, so that a stray score does not
    squeeze all others into one bin.
    """
    by_kind = [trials.scores(kind) for kind in KINDS]
    ends = np.concatenate(
        [np.quantile(scores, [0.001, 0.999]) for scores in by_kind if len(scores)]
    )
    low, high = float(ends.min()), float(ends.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, n_bins + 1)
    counts = [np.histogram(np.clip(scores, low, high), edges)[0].tolist() for scores in by_kind]
    return Histogram(edges.tolist(), *counts)
