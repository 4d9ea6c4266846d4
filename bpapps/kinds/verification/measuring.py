"""A verifier measured on the test part of some data, and what is said of it first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from bpapps.data.splits import Split
from bpapps.kinds.verification.hardest import hard_pairs
from bpapps.kinds.verification.protocols import (
    accuracy,
    calibrated,
    equal_strokes,
    one_reference,
    several_references,
    trait_scores,
    warning,
)
from bpapps.kinds.verification.records import Details, Rates
from bpapps.kinds.verification.scoring import ScoredSplit, score_split
from bpapps.report import words
from bpapps.report.readings import calibration_fact
from bpapps.results import Figure, Headline

Traits = Callable[[Any], Mapping[str, NDArray]]

SYNTHETIC = "Synthetic writers: no human's hand"
"""What is told where the data are made by a program."""


def measure(
    pipeline: Pipeline,
    split: Split,
    traits: Traits,
    seed: int = 0,
    scored: ScoredSplit | None = None,
) -> Details:
    """All that a report says of a verifier on the test part of some data.

    scored: the split's pairs, where they are scored already. Where it has a development part,
    that may choose thresholds by further rules.
    """
    scored = scored or score_split(pipeline, split, seed=seed)
    net, test = pipeline[-1], scored.test
    one = one_reference(test, scored.development, net)
    found = trait_scores(traits(split.test.pictures), split.test)
    return Details(
        accuracy=accuracy(one.rates[0]),
        calibration=calibrated(test, net.scale()),
        one=one,
        several=several_references(test, scored.development, net, seed),
        equal_strokes=equal_strokes(scored),
        traits=found,
        hard=hard_pairs(pipeline, test, split.test),
        warning=warning(found, one),
    )


def headline(details: Details, data: Mapping[str, Any]) -> Headline:
    """The average error at the fixed threshold, and what it is made of; then what is afterwards."""
    one = details.one
    figures = _at_threshold(one.rates[0]) if one.rates else [_accuracy(details)]
    notes = _notes(one.rates[0]) if one.rates else []
    for apart in (one.skilled, one.random):
        if apart:
            name = f"EER, {apart.against} forgeries, threshold chosen afterwards"
            figures.append(_rate(name, apart.eer))
    return Headline(
        figures,
        notes,
        warning=details.warning,
        label=SYNTHETIC if data.get("synthetic") is True else "",
        facts=[calibration_fact(details.calibration)],
    )


def _rate(name: str, interval: Any) -> Figure:
    return Figure(name, interval, lower_is_better=True, of="writer")


def _accuracy(details: Details) -> Figure:
    return Figure("1 − average error", details.accuracy, of="writer")


def _at_threshold(rates: Rates) -> list[Figure]:
    """The average error and its parts; without skilled forgeries the rejected genuine ones."""
    parts = [_rate("genuine signatures rejected at the fixed threshold", rates.frr)]
    if rates.average_error is not None and rates.far_skilled is not None:
        parts.insert(0, _rate("average error at the fixed threshold", rates.average_error))
        parts.append(_rate("skilled forgeries accepted at the fixed threshold", rates.far_skilled))
    if rates.far_random is not None:
        parts.append(_rate("random forgeries accepted at the fixed threshold", rates.far_random))
    return parts


def _notes(rates: Rates) -> list[str]:
    genuine = f"{words.value(rates.frr)} of genuine signatures rejected"
    if rates.average_error is not None and rates.far_skilled is not None:
        forged = f"{words.value(rates.far_skilled)} of skilled forgeries accepted"
        return [f"the mean of {genuine} and {forged}"]
    random = rates.far_random
    told = [f"{words.value(random)} of random forgeries accepted"] if random else []
    return [*told, "no skilled forgeries were tried"]
