"""Thresholds, and the error rates at each: the receiver operating characteristic.

A picture is accepted where its score is at least the threshold. FRR is the share of genuine
trials that are rejected, FAR the share of forgeries that are accepted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpapps.kinds.verification.records import Threshold
from bpapps.kinds.verification.trials import KINDS, Floats, Trials


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
    return roc_of(trials.scores("genuine"), forged)


def equal_error_rate(trials: Trials, against: str = "skilled") -> float:
    """The error rate where FAR = FRR, between two thresholds by a straight line of the ROC.

    Its threshold is chosen afterwards, on these very trials: say so where it is shown.
    """
    return float(eer_of(*roc(trials, against)[1:]))


def _forgery(against: str) -> str:
    if against not in KINDS[1:]:
        raise ValueError(f"forgeries are skilled or random, not {against!r}")
    return against


def roc_of(genuine: Floats, forged: Floats) -> tuple[Floats, Floats, Floats]:
    """The same as :func:`roc` of the scores of genuine pictures, (g,), and of forgeries, (f,)."""
    genuine, forged = np.sort(genuine), np.sort(forged)
    seen = np.unique(np.concatenate([genuine, forged]))
    thresholds = np.append(seen, np.nextafter(seen[-1], np.inf))
    rejected = np.searchsorted(genuine, thresholds)
    accepted = len(forged) - np.searchsorted(forged, thresholds)
    return thresholds, rejected / len(genuine), accepted / len(forged)


def eer_of(frr: Floats, far: Floats) -> Floats:
    """Where the ROC's straight pieces meet FAR = FRR; (..., m) -> (...)."""
    gap = frr - far
    after = np.maximum((gap >= 0).argmax(axis=-1), 1)[..., None]
    gap_before, gap_after = _at(gap, after - 1), _at(gap, after)
    way = -gap_before / (gap_after - gap_before)
    before = _at(frr, after - 1)
    return before + way * (_at(frr, after) - before)


def auc_of(frr: Floats, far: Floats) -> Floats:
    """The chance that a genuine score is above a forged one, equals counted half."""
    accepted = 1 - (frr[..., 1:] + frr[..., :-1]) / 2
    return (accepted * -np.diff(far, axis=-1)).sum(axis=-1)


def frr_at_of(far_wanted: float, frr: Floats, far: Floats) -> Floats:
    """The FRR at the lowest threshold whose FAR is at most the wanted one; (..., m) -> (...)."""
    first = (far <= far_wanted + 1e-12).argmax(axis=-1)[..., None]
    return _at(frr, first)


def _at(values: Floats, places: NDArray[np.intp]) -> Floats:
    return np.take_along_axis(values, places, axis=-1)[..., 0]
