"""What a person would read off a classifier's figures: the mix-ups, the groups, the lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bpapps.kinds.classification.records import Details, GroupScore
from bpapps.measures.intervals import Interval, wilson
from bpapps.report import words
from bpapps.results import NoiseCurve, Results

LINES = "Whole lines"
"""The title of the probe of lines."""


@dataclass(frozen=True)
class MixUp:
    """How often one class was taken for another, and its share of the true class."""

    truth: str
    predicted: str
    n: int
    share: float


def mix_ups(details: Details, most: int = 8) -> list[MixUp]:
    """The most frequent confusions, the largest first."""
    found = [
        MixUp(details.classes[row], details.classes[column], n, n / sum(counts))
        for row, counts in enumerate(details.confusion)
        for column, n in enumerate(counts)
        if n and row != column
    ]
    return sorted(found, key=lambda mix_up: -mix_up.n)[:most]


def only_case(truth: str, predicted: str) -> bool:
    """Whether two classes differ, and that only in upper or lower case."""
    return truth != predicted and truth.casefold() == predicted.casefold()


def of_case(details: Details) -> Interval | None:
    """The share of the mistakes that are only of case; None where no class is in two cases."""
    names = details.classes
    if len({name.casefold() for name in names}) == len(names):
        return None
    mistaken = [
        (only_case(names[row], names[column]), n)
        for row, counts in enumerate(details.confusion)
        for column, n in enumerate(counts)
        if row != column
    ]
    return wilson(sum(n for is_case, n in mistaken if is_case), sum(n for _, n in mistaken))


def case(details: Details) -> str:
    """One sentence on how many of the mistakes are only of case."""
    share = of_case(details)
    if share is None or not share.n:
        return ""
    n = round(share.value * share.n)
    return (
        f"{words.count(n)} of the {words.plural(share.n, 'mistake')}, {words.value(share)} "
        f"({words.ends(share)}), {'is' if n == 1 else 'are'} only of case: the right letter, "
        "as a capital for a small one or the other way round."
    )


def worst(details: Details, most: int = 30) -> list[GroupScore]:
    """The groups of test pictures that are read worst, the worst first."""
    return sorted(details.group_scores, key=lambda score: score.accuracy.value)[:most]


def spoilt_lines(results: Results) -> Sequence[NoiseCurve]:
    """How lines are read under corruptions, where that was measured."""
    return next((sweep.curves for sweep in results.noise if sweep.title == LINES), [])
