"""The parts of a report on a verifier."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bpapps.kinds.verification import findings as own
from bpapps.kinds.verification import plots
from bpapps.kinds.verification.records import Verification
from bpapps.measures.intervals import Interval
from bpapps.report import sections, words
from bpapps.report.drawing import Plot
from bpapps.report.sections import Row, Section, Table
from bpapps.results import Results

PACKAGE = "bpapps.kinds.verification"
RATES = ("What", "FRR", "FAR, skilled", "FAR, random", "Average error")
EERS = ("Chosen afterwards", "Skilled forgeries", "Random forgeries")

TERMS = {
    "Genuine, skilled, random": "A questioned signature is genuine if the writer of the reference "
    "made it; a skilled forgery if somebody who knew that writer's signature imitated it; random "
    "if it is a genuine signature of somebody else.",
    "FRR and FAR": "False rejection rate: the share of genuine signatures that are rejected. False "
    "acceptance rate: the share of forgeries that are accepted. A higher threshold lowers FAR and "
    "raises FRR. The average error is the mean of FRR and FAR of skilled forgeries; where this "
    "page says accuracy, it is 1 − average error.",
    "Fixed threshold": "The score from which a signature is accepted, chosen on development "
    "writers, who are neither trained on nor tested. What happens at this threshold is what one "
    "may expect in use.",
    "EER, AUC: chosen afterwards": "Equal error rate: FAR and FRR at the threshold where they are "
    "equal on the test itself. Nobody knows that threshold beforehand. AUC is the chance that a "
    "genuine pair scores higher than a forged one: 50% is guessing.",
    "DET curve": "Detection error trade-off: FRR by FAR at every threshold. Its axes are stretched "
    "as the normal distribution's quantiles are, so that rare errors can be told apart; nearer to "
    "the lower left is better.",
    "95% interval, by a bootstrap over writers": "Pairs of one writer are alike, so what is drawn "
    "anew, many times, is the writers, each with all of its pairs; the interval holds the middle "
    "95% of what comes out, and n counts writers. If the test were repeated with other writers of "
    "the same kind, such an interval would hold the true figure in about 95 of 100 cases. Two "
    "figures whose intervals overlap widely are not proven to differ.",
}


def _rate(interval: Interval | None) -> str:
    """An error rate, or a dash where there were no such trials; n counts writers."""
    return words.with_interval(interval) if interval else words.DASH


def _compared(rows: Iterable[tuple[str, Verification | None]]) -> list[Row]:
    """Rates at the first fixed threshold of what was measured."""
    return [(name, *map(_rate, own.rates_of(found))) for name, found in rows if found is not None]


def _rates(results: Results) -> list[Table]:
    one = results.details.one
    rows = [
        (
            own.rule(r),
            *map(_rate, (r.frr, r.far_skilled, r.far_random, r.average_error)),
        )
        for r in one.rates
    ]
    return [Table("Error rates at the fixed threshold", RATES, rows, own.in_counts(one.rates[0]))]


def _apart(results: Results) -> list[Table]:
    rows = [
        (name, *map(_rate, figures))
        for name, figures in own.separations(results.details.one)
        if any(figures)
    ]
    return [Table("Chosen afterwards: how far apart the scores lie", EERS, rows)]


def _references(results: Results) -> list[Table]:
    return [Table("With more references", RATES, _compared(own.named(results.details.several)))]


def _artefacts(results: Results) -> list[Table]:
    details = results.details
    others = [("strokes made equal", details.equal_strokes), *own.crossed(details)]
    net = ("the net", *map(_rate, own.eers_of(details.one)))
    traits = [(t.name, _rate(t.skilled), _rate(t.random)) for t in details.traits]
    return [
        Table("With equal strokes, and on other data", RATES, _compared(others)),
        Table("Trivial features", EERS, [net, *traits] if traits else []),
    ]


def _spoilt(results: Results) -> list[Table]:
    rows: list[Row] = []
    for curve in own.silently_first(own.noise_of(results)):
        up = [own.risen(rise, curve) for rise in own.rises(curve)]
        clean, last = curve.points[0], curve.points[-1]
        ends = [_rate(each) for each in (clean.named("FRR"), last.named("FRR"), last.named("FAR"))]
        rows.append((curve.title, *up, *ends))
    header = (
        "Corruption", "FRR 5 points up at", "FAR 5 points up at", "Clean FRR", "Last FRR",
        "Last FAR",
    )  # fmt: skip
    title = "Under noise: when the fixed threshold fails"
    return [Table(title, header, rows, own.noise_reading(own.noise_of(results)))]


def _draw_scores(results: Results) -> list[Plot]:
    one = results.details.one
    return [plots.det(one), plots.histogram(one.histogram, bool(one.rates))]


def _draw_traits(results: Results) -> Plot | None:
    details = results.details
    return plots.traits(details.traits, details.one) if details.traits else None


def _draw_spoilt(results: Results) -> list[Plot]:
    curves = own.silently_first(own.noise_of(results))
    top = plots.noise_top(curves)
    return [plots.noise(curve, top) for curve in curves]


SECTIONS = (
    replace(sections.MADE, terms=TERMS),
    sections.SCORES,
    Section(
        "rates",
        "Error rates at the fixed threshold",
        lambda r: r.details.one.rates,
        tables=_rates,
        own=own,
        package=PACKAGE,
    ),
    Section(
        "apart",
        "Chosen afterwards: how far apart the scores lie",
        lambda r: r.details.one.skilled or r.details.one.random,
        _draw_scores,
        _apart,
        own=own,
        package=PACKAGE,
    ),
    Section(
        "references",
        "With more references",
        lambda r: r.details.several,
        lambda r: plots.references(own.by_references(r.details)),
        _references,
        own=own,
        package=PACKAGE,
    ),
    Section(
        "writers",
        "Writer by writer, the worst first",
        lambda r: r.details.one.owners,
        lambda r: plots.writers(own.worst(r.details.one)),
        own=own,
        package=PACKAGE,
    ),
    Section(
        "artefacts",
        lambda r: own.artefacts(r.details),
        lambda r: r.details.traits or r.details.equal_strokes or r.details.cross,
        _draw_traits,
        _artefacts,
        own=own,
        package=PACKAGE,
    ),
    Section(
        "hardest",
        "The hardest pairs",
        lambda r: own.hardest(r.details),
        own=own,
        package=PACKAGE,
    ),
    Section(
        "spoilt",
        "Sensitivity to noise",
        lambda r: own.noise_of(r),
        _draw_spoilt,
        _spoilt,
        sections.SEVERITY,
        own=own,
        package=PACKAGE,
    ),
    sections.TRAINING,
    sections.calibration(
        "An answer is what the net holds likelier of a pair: the same writer or not. It turns at a "
        "probability of 50%, not at the fixed threshold, and genuine pairs are as many as forged "
        "ones here. Where forgeries are rarer or more frequent, these probabilities do not hold. "
        "The intervals below take pairs for independent, which those of one writer are not: in "
        "truth they are wider."
    ),
    sections.RIVALS,
    sections.dependence(
        sections.Dependence(
            less="writers",
            wrong=", genuine for forged and the other way round",
            note="Each net is trained anew and gets a threshold of its own from the development "
            "writers;",
            name=own.share_right,
        )
    ),
    sections.SPEED,
)
