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

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bpapps.kinds.verification.bootstrap import Sample, drawn_roc, drawn_sums, interval
from bpapps.kinds.verification.records import (
    DetPoint,
    FrrAtFar,
    Histogram,
    OwnerRates,
    Rates,
    Separation,
    Threshold,
    Verification,
)
from bpapps.kinds.verification.roc import auc_of, eer_of, equal_error_rate, frr_at_of, roc, roc_of
from bpapps.kinds.verification.trials import GENUINE, KINDS, RANDOM, SKILLED, Floats, Trials
from bpapps.measures.intervals import Interval

FARS = (0.01, 0.001)
"""The false acceptance rates at which :class:`Separation` gives the FRR."""

DET_POINTS = 100
HISTOGRAM_BINS = 40


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
    sample = Sample(trials, fold, weights.astype(np.float64))
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


def _rates(sample: Sample, rule: Sequence[Threshold]) -> Rates:
    wrong = sample.wrong(rule)
    shares = [_share(sample, wrong, kind) for kind in range(len(KINDS))]
    frr, skilled, random = (share and interval(*share) for share in shares)
    assert frr is not None  # trials without a genuine one are refused
    average = None if skilled is None else _average(shares[GENUINE], shares[SKILLED])
    values = [one.value for one in rule]
    return Rates(rule[0].rule, rule[0].against, values, frr, skilled, random, average)


def _average(*shares: tuple[float, Floats, int] | None) -> Interval:
    """The mean of several shares of one sample, drawn together."""
    values, drawn, owners = zip(*filter(None, shares), strict=True)
    return interval(float(np.mean(values)), np.mean(drawn, axis=0), min(owners))


def _share(sample: Sample, wrong: NDArray[np.bool_], kind: int) -> tuple[float, Floats, int] | None:
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
        drawn = drawn_sums(weights, errors, kind) / drawn_sums(weights, counts, kind)
    return float(errors.sum() / counts.sum()), drawn, owners


def _owner_rates(sample: Sample, rule: Sequence[Threshold]) -> list[OwnerRates]:
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


def _separation(sample: Sample, shifted: Sample, kind: int) -> Separation:
    """What thresholds chosen afterwards would do, with the folds' own scores and shifted."""
    trials = shifted.trials
    thresholds, frr, far = roc(trials, KINDS[kind])
    drawn = drawn_roc(shifted, kind)
    n = len(np.unique(trials.owner[(trials.kind == GENUINE) | (trials.kind == kind)]))
    folds = list(_fold_eers(sample, kind))
    values = [value for value, _ in folds]
    drawn_eers = np.array([draws for _, draws in folds])
    return Separation(
        KINDS[kind],
        eer=interval(float(np.mean(values)), _mean(drawn_eers), n),
        eer_folds=values,
        eer_pooled=interval(float(eer_of(frr, far)), eer_of(*drawn), n),
        eer_own=_own_eer(sample, kind),
        auc=interval(float(auc_of(frr, far)), auc_of(*drawn), n),
        frr_at_far=[
            FrrAtFar(one, interval(float(frr_at_of(one, frr, far)), frr_at_of(one, *drawn), n))
            for one in FARS
        ],
        det=_thinned(thresholds, frr, far),
    )


def _fold_eers(sample: Sample, kind: int) -> Iterator[tuple[float, Floats]]:
    """The EER of each fold that has forgeries of the kind, and that in each draw of owners."""
    folds = sample.folds
    for one in range(sample.fold.max() + 1):
        part = replace(sample, trials=_only(sample.trials, folds == one))
        if (part.trials.kind == kind).any():
            value = equal_error_rate(part.trials, KINDS[kind])
            yield value, eer_of(*drawn_roc(part, kind))


def _mean(drawn: Floats) -> Floats:
    """The mean over folds, (folds, draws) -> (draws,), without those that a draw has nothing of."""
    known = np.isfinite(drawn)
    with np.errstate(invalid="ignore"):
        return np.where(known, drawn, 0).sum(axis=0) / known.sum(axis=0)


def _only(trials: Trials, mask: NDArray[np.bool_]) -> Trials:
    return Trials(
        trials.score[mask], trials.kind[mask], trials.owner[mask], trials.by[mask], trials.names
    )


def _own_eer(sample: Sample, kind: int) -> Interval | None:
    """The mean over owners of their EER at thresholds of their own; None without any."""
    trials = sample.trials
    order = np.argsort(trials.owner, kind="stable")
    bounds = np.searchsorted(trials.owner[order], np.arange(len(trials.names) + 1))
    eers = np.full(len(trials.names), np.nan)
    for one, rows in enumerate(np.split(order, bounds[1:-1])):
        scores, kinds = trials.score[rows], trials.kind[rows]
        genuine, forged = scores[kinds == GENUINE], scores[kinds == kind]
        if len(genuine) and len(forged):
            eers[one] = eer_of(*roc_of(genuine, forged)[1:])
    known = np.isfinite(eers)
    if not known.any():
        return None
    weights = sample.weights[:, known]
    with np.errstate(invalid="ignore"):
        drawn = (weights @ eers[known]) / weights.sum(axis=1)
    return interval(float(eers[known].mean()), drawn, int(known.sum()))


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
