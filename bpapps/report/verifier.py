"""What a person would read off a verifier's figures: error rates as counts, references, writers.

Figures at a threshold that was fixed beforehand and those that were chosen afterwards are never
put into one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bpapps.evaluation import (
    HardPair,
    Interval,
    OwnerRates,
    Rates,
    Results,
    Verification,
    VerifierNoiseCurve,
    VerifierScores,
)
from bpapps.report import words

WORST = 15
"""Writers that are shown."""

SYNTHETIC = "Synthetic writers: no human's hand"
"""What is told where the data are made by a program."""

Sampled = Interval | None


# --- in use: at the fixed threshold -------------------------------------------------------


@dataclass(frozen=True)
class Headline:
    """The first figure of a verifier: its name, the figure, and what stands behind it."""

    name: str
    figure: str
    notes: list[str]


def headline(results: Results) -> Headline:
    """The average error at the fixed threshold; without skilled forgeries the FRR."""
    rates = first_rates(results)
    if rates is None:
        return Headline("1 − average error", words.value(results.accuracy), [about(results)])
    genuine = f"{words.value(rates.frr)} of genuine signatures rejected"
    if rates.average_error is None or rates.far_skilled is None:
        return _headline_without_forgeries(rates)
    return Headline(
        "Average error at the fixed threshold",
        words.value(rates.average_error),
        [
            f"the mean of {genuine} and {words.value(rates.far_skilled)} of skilled forgeries "
            "accepted",
            interval(rates.average_error),
        ],
    )


def _headline_without_forgeries(rates: Rates) -> Headline:
    random = rates.far_random
    told = [f"{words.value(random)} of random forgeries accepted"] if random else []
    return Headline(
        "Genuine signatures rejected at the fixed threshold",
        words.value(rates.frr),
        [*told, "no skilled forgeries were tried", interval(rates.frr)],
    )


def first_rates(results: Results) -> Rates | None:
    """The rates at the first fixed threshold, with one reference."""
    found = results.verifier and results.verifier.one.rates
    return found[0] if found else None


def interval(rate: Interval) -> str:
    """``95% interval 6.4–9.9%, 55 writers``."""
    return f"95% interval {words.ends(rate)}%, {words.plural(rate.n, 'writer')}"


def accuracy(results: Results) -> str:
    """What ``Results.accuracy``, and that of nets trained anew, is called."""
    if results.verifier is None:
        return "accuracy"
    rates = first_rates(results)
    return "1 − FRR" if rates and rates.average_error is None else "1 − average error"


def about(results: Results) -> str:
    """The interval of the accuracy, whose count is of writers."""
    return interval(results.accuracy)


def in_short(results: Results) -> str:
    """The error rates at the fixed threshold in one line, for a table over many reports."""
    rates = first_rates(results)
    if rates is None:
        return f"1 − average error {words.with_interval(results.accuracy)}"
    kinds = [
        (rates.frr, "genuine signatures rejected"),
        (rates.far_skilled, "skilled forgeries accepted"),
        (rates.far_random if rates.far_skilled is None else None, "random forgeries accepted"),
    ]
    told = [f"{words.value(i)} ({words.ends(i)}) of {what}" for i, what in kinds if i]
    return f"at the fixed threshold {', '.join(told)}; n = {words.plural(rates.frr.n, 'writer')}"


def in_counts(rates: Rates) -> str:
    """What the rates mean, as counts: of 100 genuine signatures, about 7 are rejected."""
    kinds = [
        (rates.frr, "genuine signatures", "rejected"),
        (rates.far_skilled, "skilled forgeries", "accepted"),
        (rates.far_random, "other people's genuine signatures", "accepted"),
    ]
    told = "; ".join(_counted(i, what, done) for i, what, done in kinds if i)
    return f"{words.capital(told)} (in brackets: 95% intervals)."


def _counted(rate: Interval, what: str, done: str) -> str:
    """``of 100 genuine signatures, about 7 are rejected (5 to 9)``.

    Rare ones are counted among more, so that about two or more come of it.
    """
    shown = rate.value or rate.high
    many = next((n for n in (100, 1_000, 10_000) if shown * n >= 1.95), 10_000)
    n, low, high = (round(many * share) for share in (rate.value, rate.low, rate.high))
    number = f"about {words.count(n)} {'is' if n == 1 else 'are'}" if rate.value else "none is"
    return (
        f"of {words.count(many)} {what}, {number} {done} ({words.count(low)} to "
        f"{words.count(high)})"
    )


def thresholds(rates: Rates) -> str:
    """The threshold, or the lowest and the highest of several folds."""
    low, high = min(rates.thresholds), max(rates.thresholds)
    if len(rates.thresholds) == 1:
        return signed(low)
    return f"{signed(low)} to {signed(high)}, {len(rates.thresholds)} folds"


def signed(score: float) -> str:
    """A score to three digits, with its sign: ``+1.23``, ``−0.4``."""
    if not words.known(score):
        return words.DASH
    return f"{score:+.3g}".replace("-", "−") if score else "0"


def rule(rates: Rates) -> str:
    """How a threshold was chosen."""
    return f"{rates.rule}, against {rates.against} forgeries"


# --- tables -------------------------------------------------------------------------------


def places(intervals: Iterable[Sampled]) -> int:
    """Decimals that suit all figures of a table, some of which may be missing."""
    return words.places(i for i in intervals if i)


def writers(*intervals: Sampled) -> str:
    """How many writers stand behind some figures: ``55``, or ``50–55`` where they differ."""
    counts = sorted({i.n for i in intervals if i})
    if not counts:
        return words.DASH
    return "–".join(map(words.count, counts if len(counts) == 1 else (counts[0], counts[-1])))


def rates_of(measured: Verification) -> list[Sampled]:
    """FRR, FAR skilled, FAR random and average error at the first threshold."""
    if not measured.rates:
        return [None] * 4
    first = measured.rates[0]
    return [first.frr, first.far_skilled, first.far_random, first.average_error]


def eers_of(measured: Verification) -> list[Sampled]:
    """EER of skilled and of random forgeries, chosen afterwards."""
    return [kind.eer if kind else None for kind in (measured.skilled, measured.random)]


def trials(measured: Verification) -> str:
    """How many pairs were tried of each kind."""
    kinds = (("genuine", measured.n_genuine), ("skilled", measured.n_skilled))
    told = [f"{words.count(n)} {kind}" for kind, n in (*kinds, ("random", measured.n_random))]
    folds = f", in {measured.n_folds} folds" if measured.n_folds > 1 else ""
    return f"{', '.join(told)} pairs of {words.plural(measured.n_owners, 'writer')}{folds}"


def separations(measured: Verification) -> list[tuple[str, list[Sampled]]]:
    """What thresholds chosen afterwards would do: a name, and the figures of both kinds."""
    kinds = [measured.skilled, measured.random]
    name = "EER, mean of the folds" if measured.n_folds > 1 else "EER"
    rows: list[tuple[str, list[Sampled]]] = [(name, [k.eer if k else None for k in kinds])]
    if measured.n_folds > 1:
        pooled: list[Sampled] = [k.eer_pooled if k else None for k in kinds]
        rows.append(("EER, all folds at one threshold", pooled))
    own: list[Sampled] = [k.eer_own if k else None for k in kinds]
    rows.append(("EER, a threshold for each writer", own))
    fars = [one.far for one in next((kind.frr_at_far for kind in kinds if kind), [])]
    for i, far in enumerate(fars):
        row: list[Sampled] = [k.frr_at_far[i].frr if k else None for k in kinds]
        rows.append((f"FRR where FAR is at most {words.share(far)}", row))
    return rows


def folds(measured: Verification) -> list[str]:
    """The EERs of several folds, a sentence for each kind of forgeries."""
    return [
        f"EER by fold, {kind.against} forgeries: {', '.join(map(words.percent, kind.eer_folds))}."
        for kind in (measured.skilled, measured.random)
        if kind and len(kind.eer_folds) > 1
    ]


def named(several: Iterable[Verification]) -> list[tuple[str, Verification]]:
    """Measurements by their protocols."""
    return [(measured.protocol, measured) for measured in several]


def crossed(scores: VerifierScores) -> list[tuple[str, Verification]]:
    """Measurements on other data by their names."""
    return [(other.data, other.verification) for other in scores.cross]


def too_few(measured: Verification) -> list[str]:
    """Which rare false acceptances there are too few forgeries for, a sentence for each."""
    kinds = [("skilled", measured.n_skilled, measured.skilled)]
    kinds.append(("random", measured.n_random, measured.random))
    return [
        f"There are only {words.count(n)} pairs with {name} forgeries: a FAR of at most "
        f"{words.share(one.far)} means that every one of them is rejected."
        for name, n, found in kinds
        if found
        for one in found.frr_at_far
        if n * one.far < 1
    ]


def noise_rates(curve: VerifierNoiseCurve) -> list[Sampled]:
    """All rates of a corruption."""
    return [rate for p in curve.points for rate in (p.frr, p.far_skilled, p.eer)]


# --- more references ----------------------------------------------------------------------


def references(measured: Verification) -> tuple[int, str] | None:
    """Number of references and how their scores become one, as the protocol tells."""
    told = re.match(r"(\d+) references?,? *(.*)", measured.protocol)
    return (int(told[1]), told[2]) if told else None


def by_references(scores: VerifierScores) -> dict[str, list[tuple[int, Verification]]]:
    """Each way in which scores become one: by number of references, one reference first."""
    lines: dict[str, list[tuple[int, Verification]]] = {}
    for measured in scores.several:
        told = references(measured)
        if told and told[0] > 1:
            lines.setdefault(told[1], [(1, scores.one)]).append((told[0], measured))
    return {way: sorted(line, key=lambda pair: pair[0]) for way, line in lines.items()}


# --- writers and pairs --------------------------------------------------------------------


def worst(measured: Verification) -> list[OwnerRates]:
    """The writers whose signatures are told apart worst."""
    return measured.owners[:WORST]


def spread(measured: Verification) -> str:
    """How evenly the wrong decisions fall on the writers."""
    errors = sorted((_errors(one) for one in measured.owners), reverse=True)
    total = sum(errors)
    if not total:
        return "At this threshold no pair of genuine signature or skilled forgery is decided wrong."
    half, met = 0, 0.0
    while met < total / 2:
        met += errors[half]
        half += 1
    free = sum(not count for count in errors)
    told = f"{words.count(free)} {'has' if free == 1 else 'have'} none" if free else "all have some"
    return (
        f"Half of the {words.count(total)} wrong decisions fall on {words.count(half)} of the "
        f"{words.plural(len(errors), 'writer')}; {told}."
    )


def _errors(one: OwnerRates) -> int:
    return round((one.frr or 0) * one.n_genuine + (one.far_skilled or 0) * one.n_skilled)


def hardest(scores: VerifierScores) -> list[tuple[str, list[HardPair]]]:
    """The hardest genuine pairs, and the hardest forgeries, each below its heading."""
    kinds = {
        "genuine": "Genuine pairs that look least alike",
        "skilled": "Skilled forgeries that look most genuine",
        "random": "Other people's genuine signatures that look most alike",
    }
    sheets = [
        (title, [pair for pair in scores.hard if pair.kind == kind])
        for kind, title in kinds.items()
    ]
    return [(title, pairs) for title, pairs in sheets if pairs]


def pictured(scores: VerifierScores) -> bool:
    """Whether any of the hardest pairs has its pictures, which may be left out."""
    return any(pair.reference or pair.questioned for pair in scores.hard)


def artefacts(scores: VerifierScores) -> str:
    """The heading of what else than the writing may tell, which names what follows."""
    parts = {
        "traits": scores.traits,
        "strokes": scores.equal_strokes,
        "other data": scores.cross,
    }
    told = ", ".join(name for name, part in parts.items() if part)
    return f"What else might give it away: {told}"


def decision(pair: HardPair) -> str:
    """What becomes of a pair at the fixed threshold, and whether that is wrong."""
    accepted = pair.score >= 0
    right = accepted == (pair.kind == "genuine")
    return f"{'accepted' if accepted else 'rejected'}, {'rightly' if right else 'wrongly'}"


def beside_the_net(scores: VerifierScores) -> str:
    """How the most telling trivial feature compares with the net."""
    net = scores.one.skilled or scores.one.random
    found = [
        (trait, trait.skilled if scores.one.skilled else trait.random) for trait in scores.traits
    ]
    known = [(rate.value, trait.name, rate) for trait, rate in found if rate]
    if net is None or not known:
        return ""
    _, name, rate = min(known, key=lambda each: each[:2])
    return (
        f"The most telling trivial feature is the {name}: alone it reaches an equal error rate of "
        f"{words.with_interval(rate)} against {net.against} forgeries, the net "
        f"{words.with_interval(net.eer)}. Both are chosen afterwards; n counts writers."
    )


def synthetic(results: Results) -> bool:
    """Whether the data are made by a program."""
    return results.data.get("synthetic") is True
