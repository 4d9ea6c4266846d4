"""What is measured of a verifier, as plain records: error rates, and what a report shows with them.

Their words are those of :mod:`bpapps.kinds.verification.rates`, which makes most of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from bpapps.measures.calibration import Calibration
from bpapps.measures.intervals import Interval, long_interval


@dataclass(frozen=True)
class Threshold:
    """A threshold that development trials chose, and the rates that it had there.

    ``rule`` is how, in words; ``against`` the kind of forgery that counted; ``n`` the number of
    owners. Those rates are too good by a little: the threshold was made for them.
    """

    value: float
    rule: str
    against: str
    far: float
    frr: float
    n: int


@dataclass(frozen=True)
class Rates:
    """Error rates at thresholds fixed beforehand: ``thresholds`` has one for each fold.

    ``average_error`` is the mean of FRR and FAR of skilled forgeries. What has no trials is
    None. The ``n`` of an interval is its number of owners; they weigh by their trials.
    """

    rule: str
    against: str
    thresholds: list[float]
    frr: Interval
    far_skilled: Interval | None
    far_random: Interval | None
    average_error: Interval | None


@dataclass(frozen=True)
class FrrAtFar:
    """FRR at the lowest threshold that accepts at most a share ``far`` of the forgeries."""

    far: float
    frr: Interval


@dataclass(frozen=True)
class DetPoint:
    """A point of the detection error trade-off: the two error rates at one threshold."""

    threshold: float
    far: float
    frr: float


@dataclass(frozen=True)
class Separation:
    """How far genuine scores lie from those of one kind of forgery, thresholds CHOSEN AFTERWARDS.

    ``eer`` is the equal error rate, where FAR = FRR; of several folds the mean of theirs, which
    ``eer_folds`` lists, each at a threshold of its own. ``eer_pooled`` is that of all folds at
    one threshold, after each fold's scores were shifted by its development threshold; of one
    fold both are equal. ``eer_own`` is the mean over owners of the EER at a threshold of their
    own, None where no owner has both sorts of trials. ``auc`` (chance is 0.5), ``frr_at_far``
    and ``det`` are of the shifted scores. A fold without such forgeries is left out.
    """

    against: str
    eer: Interval
    eer_folds: list[float]
    eer_pooled: Interval
    eer_own: Interval | None
    auc: Interval
    frr_at_far: list[FrrAtFar]
    det: list[DetPoint]


@dataclass(frozen=True)
class Histogram:
    """Counts of scores by kind between ``edges``, one more than counts.

    The few scores beyond the outer edges are counted in the outer bins.
    """

    edges: list[float]
    genuine: list[int]
    skilled: list[int]
    random: list[int]


@dataclass(frozen=True)
class OwnerRates:
    """One owner's error rates at the first threshold, and its numbers of trials."""

    name: str
    n_genuine: int
    n_skilled: int
    frr: float | None
    far_skilled: float | None


@dataclass(frozen=True)
class Verification:
    """All that was measured of a verifier under one protocol, which is told in words.

    ``rates`` has an entry for each rule by which thresholds were chosen. ``skilled`` and
    ``random`` are chosen afterwards, and None without such trials. Scores in the histogram and
    of det points are less the first threshold, so that 0 is where the answer turns; of one fold
    without a threshold they are as they were. ``owners`` are worst first, empty without
    thresholds.
    """

    protocol: str
    n_owners: int
    n_folds: int
    n_genuine: int
    n_skilled: int
    n_random: int
    rates: list[Rates]
    skilled: Separation | None
    random: Separation | None
    histogram: Histogram
    owners: list[OwnerRates]


@dataclass(frozen=True)
class TraitScore:
    """How far one trivial feature of the pictures tells them apart, the net aside.

    The score of a pair is minus the difference of the feature. Both are equal error rates, chosen
    afterwards; ``skilled`` is None without forgeries.
    """

    name: str
    skilled: Interval | None
    random: Interval | None


@dataclass(frozen=True)
class HardPair:
    """A pair that was decided wrongly, or nearly: the pictures are PNG data URIs.

    ``kind`` is one of :data:`bpapps.kinds.verification.trials.KINDS`; ``score`` is less the
    threshold, so that from 0 on it is accepted; ``reference`` and ``questioned`` are as the net
    sees them, and empty where they are left out. The names of their files are seen from the data's
    folder, and empty where the data have no files.
    """

    kind: str
    owner: str
    score: float
    reference: str
    questioned: str
    reference_file: str = ""
    questioned_file: str = ""


@dataclass(frozen=True)
class CrossData:
    """The same net on other data, at the threshold that it was given: ``data`` says which."""

    data: str
    verification: Verification


@dataclass(frozen=True)
class Details:
    """All that only verifiers are measured by.

    ``accuracy`` is 1 - average error at the fixed threshold; its n counts writers. ``one`` is with
    one reference, all pairs; ``several`` with more, by number and by how their scores become one;
    ``equal_strokes`` is as ``one``, of pictures whose ink is binarised and redrawn with one width,
    with thresholds chosen on such pictures; ``hard`` has the hardest genuine pairs and the hardest
    forgeries, the hardest first; ``warning`` is what is to be said before anything else, or empty.
    """

    accuracy: Interval
    calibration: Calibration
    one: Verification
    several: list[Verification] = field(default_factory=list)
    equal_strokes: Verification | None = None
    traits: list[TraitScore] = field(default_factory=list)
    cross: list[CrossData] = field(default_factory=list)
    hard: list[HardPair] = field(default_factory=list)
    warning: str = ""

    def plain(self) -> dict[str, Any]:
        """The figures, without pictures, histograms and curves."""
        return {
            "accuracy": self.accuracy,
            "ece": self.calibration.ece,
            "verifier": {
                "warning": self.warning,
                "one": _figures(self.one),
                "several": [_figures(each) for each in self.several],
                "equal_strokes": self.equal_strokes and _figures(self.equal_strokes),
                "traits": {t.name: {"skilled": t.skilled, "random": t.random} for t in self.traits},
                "cross": [
                    {"data": each.data, **_figures(each.verification)} for each in self.cross
                ],
            },
        }

    def told(self) -> list[str]:
        """What stands beside the headline on a terminal: strict thresholds, more references."""
        lines = [f"calibration error {self.calibration.ece:.2%}"]
        for rates in self.one.rates[1:]:
            lines += told_rates(rates)
        for more in self.several:
            rates = more.rates[0]
            far = rates.far_skilled or rates.far_random
            if far:
                rate = f"FRR {rates.frr.value:.2%}, FAR {far.value:.2%}"
                lines.append(f"{more.protocol}: {rate}")
        return lines


def told_rates(rates: Rates) -> list[str]:
    """The error rates at a threshold that was fixed by a rule, a line each."""
    kinds = (
        ("FRR", rates.frr),
        ("FAR, skilled forgeries", rates.far_skilled),
        ("FAR, random forgeries", rates.far_random),
    )
    return [
        f"threshold fixed on development writers, {rates.rule}:",
        *(f"  {name:<24} {long_interval(rate)}" for name, rate in kinds if rate),
    ]


def _figures(measured: Verification) -> dict[str, Any]:
    """All but the histogram and the curves."""
    return {
        each.name: _without_curve(getattr(measured, each.name))
        for each in fields(measured)
        if each.name != "histogram"
    }


def _without_curve(value: Any) -> Any:
    if not isinstance(value, Separation):
        return value
    return {each.name: getattr(value, each.name) for each in fields(value) if each.name != "det"}
