"""What a person would read off a verifier's figures: error rates as counts, references, writers.

Figures at a threshold that was fixed beforehand and those that were chosen afterwards are never
put into one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bpapps.kinds.verification.records import Details, HardPair, OwnerRates, Rates, Verification
from bpapps.measures.intervals import Interval
from bpapps.report import words
from bpapps.results import NoiseCurve, Results

WORST = 15
"""Writers that are shown."""

Sampled = Interval | None


# --- in use: at the fixed threshold -------------------------------------------------------


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


def share_right(results: Results) -> str:
    """What accuracy is at the fixed threshold; without skilled forgeries FRR is the only error."""
    rates = results.details.one.rates
    return "1 − FRR" if rates and rates[0].average_error is None else "1 − average error"


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


def crossed(scores: Details) -> list[tuple[str, Verification]]:
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


def noise_rates(curve: NoiseCurve) -> list[Sampled]:
    """All rates of a corruption."""
    return [p.named(name) for p in curve.points for name in ("FRR", "FAR", "EER")]


# --- more references ----------------------------------------------------------------------


def references(measured: Verification) -> tuple[int, str] | None:
    """Number of references and how their scores become one, as the protocol tells."""
    told = re.match(r"(\d+) references?,? *(.*)", measured.protocol)
    return (int(told[1]), told[2]) if told else None


def by_references(scores: Details) -> dict[str, list[tuple[int, Verification]]]:
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


def hardest(scores: Details) -> list[tuple[str, list[HardPair]]]:
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


def pictured(scores: Details) -> bool:
    """Whether any of the hardest pairs has its pictures, which may be left out."""
    return any(pair.reference or pair.questioned for pair in scores.hard)


def artefacts(scores: Details) -> str:
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


def beside_the_net(scores: Details) -> str:
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


# --- noise --------------------------------------------------------------------------------


def noise_of(results: Results) -> list[NoiseCurve]:
    """How the questioned pictures bore corruptions."""
    return results.noise[0].curves if results.noise else []


@dataclass(frozen=True)
class Rise:
    """The severity at which a rate at the fixed threshold is 5 points above clean, or None."""

    rate: str
    severity: float | None


def rises(curve: NoiseCurve) -> tuple[Rise, Rise]:
    """When FRR and when FAR of skilled forgeries have risen by 5 points; between severities."""
    points = [(p.severity, p.named("FRR"), p.named("FAR")) for p in curve.points]
    frr = [(severity, rate.value) for severity, rate, _ in points if rate]
    far = [(severity, rate.value) for severity, _, rate in points if rate]
    return Rise("FRR", _risen(frr)), Rise("FAR", _risen(far))


def _risen(points: Sequence[tuple[float, float]], by: float = 0.05) -> float | None:
    """Where a broken line first is so much above its beginning."""
    for (before, low), (after, high) in pairwise(points):
        limit = points[0][1] + by
        if high >= limit:
            return before + (after - before) * (limit - low) / (high - low)
    return None


def silently_first(curves: Sequence[NoiseCurve]) -> list[NoiseCurve]:
    """Curves by the severity at which either rate has risen by 5 points, the first first."""

    def order(curve: NoiseCurve) -> tuple[float, float]:
        reached = [rise.severity for rise in rises(curve) if rise.severity is not None]
        last = curve.points[-1]
        errors = sum(rate.value for name in ("FRR", "FAR") if (rate := last.named(name)))
        return min(reached, default=float("inf")), -errors

    return sorted((curve for curve in curves if curve.points), key=order)


def risen(rise: Rise, curve: NoiseCurve) -> str:
    """The severity of a rise, in words."""
    if rise.severity is None:
        return f"not by {curve.points[-1].severity}"
    return f"{rise.severity:.1f}"


def noise_reading(curves: Sequence[NoiseCurve]) -> str:
    """Which corruption makes a verifier fail first, with nothing to warn of it, and how."""
    curves = [curve for curve in silently_first(curves) if len(curve.points) > 1]
    if not curves:
        return ""
    clean = curves[0].points[0]
    frr, forged = clean.named("FRR"), clean.named("FAR")
    assert frr is not None
    told = f"{words.value(frr)} of genuine signatures are rejected"
    if forged:
        told += f", {words.value(forged)} of skilled forgeries accepted"
    sentences = [
        f"Of clean pictures, {told} ({words.plural(frr.n, 'writer')}).",
        "Under a corruption the threshold stays where it is, and no answer tells that it is less "
        "to be trusted.",
        _first_to_rise(curves, 0, "genuine signatures rejected"),
        _first_to_rise(curves, 1, "skilled forgeries accepted") if forged else "",
    ]
    return " ".join(filter(None, sentences))


def _first_to_rise(curves: Sequence[NoiseCurve], which: int, what: str) -> str:
    """The corruption under which a rate rises first, in one sentence."""
    found = [(rises(curve)[which].severity, curve.title) for curve in curves]
    risen = sorted((at, title) for at, title in found if at is not None)
    if not risen:
        return f"No corruption has 5 points more {what}."
    at, title = risen[0]
    others = f"; {len(risen)} of {len(found)} have at some severity" if len(found) > 1 else ""
    return f"“{title}” is the first to have 5 points more {what}, at severity {at:.1f}{others}."
