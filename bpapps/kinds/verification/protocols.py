"""Error rates of a verifier under each protocol: one reference, several, equal strokes, traits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.data.splits import Part
from bpapps.kinds.verification.pairs import PairClassifier
from bpapps.kinds.verification.rates import measure
from bpapps.kinds.verification.records import Rates, Threshold, TraitScore, Verification
from bpapps.kinds.verification.roc import choose_threshold
from bpapps.kinds.verification.scales import Scale
from bpapps.kinds.verification.scored import Scored
from bpapps.kinds.verification.scoring import ScoredSplit
from bpapps.kinds.verification.trials import pair_trials
from bpapps.measures.calibration import Calibration, calibration
from bpapps.measures.intervals import Interval

SEVERAL = (2, 3, 5, 8, 10)
"""Numbers of references that error rates are told with, beside one."""
STRICT = 0.01
"""The false acceptance rate of the second rule by which thresholds are chosen."""

CENTRED = "centred score"
WAYS: Mapping[str, Mapping[str, Any]] = {
    CENTRED: {},
    "mean score": {"combine": "mean", "centred": False},
    "lowest score": {"combine": "min", "centred": False},
}
"""Ways to make one score of those with several references, the net's own first, and what
:meth:`Scored.trials` takes for each."""


def protocol(k: int, way: str = CENTRED) -> str:
    """How pictures are scored against k references, in words."""
    return "1 reference, every pair" if k == 1 else f"{k} references, {way}"


def one_reference(test: Scored, development: Scored | None, net: PairClassifier) -> Verification:
    """Error rates with one reference, at the net's threshold and at a strict one."""
    chosen = [net.threshold()]
    if development is not None:
        chosen += rules(development, fars=[STRICT])
    return measure(test.trials(), chosen, protocol=protocol(1))


def tested_rates(test: Scored, net: PairClassifier) -> dict[int, Rates]:
    """Error rates with each number of references that the net has a threshold for, at it."""
    return {
        k: measure(test.trials(k), [net.threshold(k)]).rates[0]
        for k in net.scales_
        if k == 1 or k < test.fewest
    }


def several_references(
    test: Scored, development: Scored | None, net: PairClassifier, seed: int
) -> list[Verification]:
    """The same with more, as many as the writers have, in all ways to make one score of theirs."""
    found = []
    for k in SEVERAL:
        if k >= test.fewest:
            break
        usual = test.trials(k, seed=seed)
        found.append(measure(usual, [net.threshold(k)], protocol=protocol(k)))
        if development is not None and k < development.fewest:
            plain = [way for way in WAYS if way != CENTRED]
            found += [_plainly(test, development, k, seed, way) for way in plain]
    return found


def equal_strokes(scored: ScoredSplit) -> Verification | None:
    """As with one reference, of strokes made equal, by a threshold that was chosen on such."""
    if scored.equal is None or scored.equal.development is None:
        return None
    chosen = rules(scored.equal.development)
    text = f"{protocol(1)}, strokes made equal"
    return measure(scored.equal.test.trials(), chosen, protocol=text)


def rules(
    development: Scored, k: int = 1, fars: Sequence[float | None] = (None,), **options: Any
) -> list[Threshold]:
    """The thresholds with k references that development writers choose, one for each rate.

    Args:
        fars: false acceptance rates that are wanted; None is for balance, FAR = FRR.
        options: those of :meth:`Scored.trials`.
    """
    trials = development.trials(k, **options)
    return [choose_threshold(trials, far=far, against=development.against) for far in fars]


def _plainly(test: Scored, development: Scored, k: int, seed: int, way: str) -> Verification:
    """Error rates with k references whose scores become one in a way that is not the net's."""
    options = {"seed": seed, **WAYS[way]}
    chosen = rules(development, k, **options)
    return measure(test.trials(k, **options), chosen, protocol=protocol(k, way))


def trait_scores(traits: Mapping[str, NDArray], part: Part) -> list[TraitScore]:
    """How far each trivial feature tells signatures apart, the most telling first."""
    found = []
    for name, values in traits.items():
        trials = pair_trials(
            -np.abs(np.subtract.outer(values, values)),
            part.targets["owner"],
            part.targets["genuine"],
        )
        measured = measure(trials)
        eers = [apart.eer if apart else None for apart in (measured.skilled, measured.random)]
        found.append(TraitScore(name, *eers))
    return sorted(found, key=lambda trait: (trait.skilled or trait.random or _UNKNOWN).value)


_UNKNOWN = Interval(0.5, 0.0, 1.0, 0)


def warning(traits: Sequence[TraitScore], one: Verification) -> str:
    """What is to be said first: that a trivial feature does as well as the net; or nothing."""
    net = one.skilled or one.random
    kind = "skilled" if one.skilled else "random"
    for trait in traits:
        rate = trait.skilled if one.skilled else trait.random
        if net is not None and rate is not None and rate.value <= net.eer.high:
            return (
                f"A trivial feature does about as well as the net: by the {trait.name} alone, "
                f"the equal error rate of {kind} forgeries is {rate.value:.1%}, by the net "
                f"{net.eer.value:.1%} ({net.eer.low:.1%} to {net.eer.high:.1%}). On these data the "
                "net's figures say little of handwriting."
            )
    return ""


def calibrated(test: Scored, scale: Scale) -> Calibration:
    """Whether the probability that a pair is by one writer can be believed, skilled forgeries in.

    Genuine pairs are as many as forged ones there: of the more frequent kind some are drawn.
    """
    trials = test.trials()
    genuine, forged = trials.scores("genuine"), trials.scores(test.against)
    count = min(len(genuine), len(forged))
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.permutation(genuine)[:count], rng.permutation(forged)[:count]])
    same = scale.probability(scores)
    truth = np.repeat([True, False], count)
    return calibration(np.stack([1 - same, same], axis=1), truth, [False, True])


def accuracy(rates: Rates) -> Interval:
    """1 - average error at a fixed threshold; n counts writers."""
    error = rates.average_error or rates.frr
    return Interval(1 - error.value, 1 - error.high, 1 - error.low, error.n)
