"""A verifier's plots: the trade-off of its errors, its scores, writers, traits and noise.

Genuine signatures and what rejects them are blue, solid and round; skilled forgeries vermillion,
dashed and square; what is random or chosen afterwards is gray and dotted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bpapps.kinds.verification import findings as said
from bpapps.kinds.verification.records import (
    Histogram,
    OwnerRates,
    Separation,
    TraitScore,
    Verification,
)
from bpapps.measures.intervals import Interval
from bpapps.report import words
from bpapps.report.drawing import (
    BLUE,
    INK,
    SOFT,
    VERMILLION,
    Plot,
    apart,
    axes_of,
    drawing,
    few_ticks,
    finish,
    name_y,
    percents,
    reach,
    short,
    text_width,
)
from bpapps.results import NoiseCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASHED, DOTTED = (0, (4, 2)), (0, (1, 1.5))
TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9)
LOWEST = 0.0005  # rarer errors than this are not drawn: no test has the writers to know them


# --- the scores ---------------------------------------------------------------------------


def det(measured: Verification) -> Plot:
    """Detection error trade-off of both kinds of forgeries, on normal-deviate axes."""
    kinds = [kind for kind in (measured.skilled, measured.random) if kind]
    low, high = _det_ends(kinds)
    with drawing(350, 372) as figure:
        axes = axes_of(figure, 46, 14, 46, 38)
        _deviates(axes, low, high)
        axes.plot([low, high], [low, high], color=SOFT, lw=0.8, ls=DOTTED)
        for kind in kinds:
            _trade_off(axes, kind, _fixed(measured, kind), (low, high))
        axes.legend(loc="lower left", bbox_to_anchor=(-0.13, 1.05), ncols=2, borderpad=0)
        axes.set_xlabel("FAR: forgeries accepted")
        name_y(axes, "FRR: genuine rejected")
        told = ", ".join(
            f"{k.against} forgeries, equal error rate {words.value(k.eer_pooled)}" for k in kinds
        )
        return finish(figure, "det", "Error trade-off", f"FRR by FAR, at every threshold: {told}.")


def _trade_off(
    axes: Axes, kind: Separation, fixed: tuple[float, float] | None, ends: tuple[float, float]
) -> None:
    """The curve of one kind, and on it the fixed threshold, at the edge if it lies beyond."""
    looks: dict[str, tuple[str, Any, str]] = {
        "skilled": (VERMILLION, "-", "s"),
        "random": (SOFT, DASHED, "D"),
    }
    colour, style, marker = looks[kind.against]
    far, frr = [p.far for p in kind.det], [p.frr for p in kind.det]
    axes.plot(far, frr, color=colour, ls=style, label=f"{kind.against} forgeries")
    if fixed:
        x, y = (min(max(share, ends[0]), ends[1]) for share in fixed)
        mark: dict[str, Any] = {"markersize": 9, "mec": INK, "mew": 1.2, "zorder": 4}
        axes.plot(x, y, color=colour, marker=marker, clip_on=False, **mark)


def _det_ends(kinds: Sequence[Separation]) -> tuple[float, float]:
    """The ends of both axes: about all rates that are not 0, up to well above the EER."""
    rates = [rate for kind in kinds for p in kind.det for rate in (p.far, p.frr) if rate > 0]
    top = max(kind.eer_pooled.value for kind in kinds)
    return max(LOWEST, 0.8 * min(rates)), min(0.95, max(0.6, top + 0.2))


def _deviates(axes: Axes, low: float, high: float) -> None:
    """Scale both axes by the normal distribution's quantiles."""
    from matplotlib.ticker import NullLocator
    from scipy.special import ndtr, ndtri

    def forward(shares: Any) -> Any:
        return ndtri(shares.clip(LOWEST / 10, 1 - LOWEST / 10))

    inside = [tick for tick in TICKS if low <= tick <= high]
    shown = [inside[i] for i in apart([float(ndtri(tick)) for tick in inside], 0.1)]
    for axis, scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
        scale("function", functions=(forward, ndtr))
        axis.set_ticks(shown, [words.share(tick) for tick in shown])
        axis.set_minor_locator(NullLocator())
    axes.set(xlim=(low, high), ylim=(low, high))


def _fixed(measured: Verification, kind: Separation) -> tuple[float, float] | None:
    """FAR and FRR at the threshold that was fixed beforehand."""
    if not measured.rates:
        return None
    rates = measured.rates[0]
    far = rates.far_skilled if kind.against == "skilled" else rates.far_random
    return (far.value, rates.frr.value) if far else None


def histogram(counts: Histogram, fixed: bool) -> Plot:
    """The scores of each kind as shares of the kind; ``fixed``: the threshold is at 0."""
    looks: dict[str, dict[str, Any]] = {
        "genuine": {"color": BLUE, "fill": True, "alpha": 0.3},
        "skilled": {"color": VERMILLION, "lw": 1.7},
        "random": {"color": SOFT, "lw": 1.5, "ls": DASHED},
    }
    numbers = {kind: n for kind in looks if sum(n := getattr(counts, kind))}
    shares = {kind: [one / sum(n) for one in n] for kind, n in numbers.items()}
    with drawing(350, 372) as figure:
        axes = axes_of(figure, 46, 14, 46, 38)
        for kind, values in shares.items():
            axes.stairs(values, counts.edges, label=kind, **looks[kind])
        axes.set_ylim(0, 1.12 * max(map(max, shares.values())))
        axes.set_xlim(counts.edges[0], counts.edges[-1])
        if fixed and counts.edges[0] < 0 < counts.edges[-1]:
            _mark_threshold(axes)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.13, 1.05), ncols=3, borderpad=0)
        axes.set_xlabel("score less the fixed threshold" if fixed else "score")
        name_y(axes, "share of the kind")
        percents(axes.yaxis)
        few_ticks(axes.yaxis, 5)
        few_ticks(axes.xaxis, 6)
        told = ", ".join(f"{words.count(sum(n))} {kind}" for kind, n in numbers.items())
        return finish(figure, "scores", "Scores", f"Histogram of the scores of pairs: {told}.")


def _mark_threshold(axes: Axes) -> None:
    """An upright line at 0, and what becomes of scores on either side."""
    axes.axvline(0, color=INK, lw=1.2)
    top = axes.get_ylim()[1]
    for text, offset, align in (("rejected", -5, "right"), ("accepted", 5, "left")):
        axes.annotate(
            text, (0, top), xytext=(offset, -11), textcoords="offset points", ha=align, color=SOFT
        )


# --- more references ----------------------------------------------------------------------


def references(lines: dict[str, list[tuple[int, Verification]]]) -> list[Plot]:
    """FRR, FAR and EER by the number of references, a line for each way to one score."""
    figures: list[tuple[str, Callable[[Verification], Interval | None]]] = [
        ("FRR at the fixed threshold", lambda v: said.rates_of(v)[0]),
        ("FAR, skilled, at the fixed threshold", lambda v: said.rates_of(v)[1]),
        ("FAR, random, at the fixed threshold", lambda v: said.rates_of(v)[2]),
        ("EER, skilled, chosen afterwards", lambda v: said.eers_of(v)[0]),
        ("EER, random, chosen afterwards", lambda v: said.eers_of(v)[1]),
    ]
    plots = []
    for title, figure in figures:
        drawn = {
            way: [(k, rate) for k, v in line if (rate := figure(v))] for way, line in lines.items()
        }
        if any(drawn.values()):
            plots.append(_by_references(title, drawn))
    return plots


def _by_references(title: str, lines: dict[str, list[tuple[int, Interval]]]) -> Plot:
    looks = [(BLUE, "-", "o"), (VERMILLION, DASHED, "s"), (SOFT, DOTTED, "D")]
    with drawing(290, 176 + 16 * len(lines)) as figure:
        axes = axes_of(figure, 44, 12, 12 + 16 * len(lines), 36)
        for i, (way, line) in enumerate(lines.items()):
            colour, style, marker = looks[i % len(looks)]
            axes.errorbar(
                [k + 0.1 * i for k, _ in line],
                [rate.value for _, rate in line],
                yerr=reach([rate for _, rate in line]),
                color=colour,
                ls=style,
                marker=marker,
                markerfacecolor="white" if i else colour,
                elinewidth=1.1,
                label=short(way or "as given", 38),
            )
        axes.set_ylim(bottom=0)
        axes.set_xticks(sorted({k for line in lines.values() for k, _ in line}))
        axes.set_xlabel("references")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.15, 1.0), ncols=1, borderpad=0.2)
        percents(axes.yaxis)
        few_ticks(axes.yaxis, 4)
        told = "; ".join(
            f"{way}: " + ", ".join(f"{k}: {words.value(rate)}" for k, rate in line)
            for way, line in lines.items()
        )
        return finish(figure, f"references-{title}", title, f"{title}, by references: {told}.")


# --- writers and traits -------------------------------------------------------------------


def writers(owners: Sequence[OwnerRates]) -> Plot:
    """FRR and FAR of skilled forgeries of some writers, as dots."""
    labels = [short(one.name) for one in owners]
    left = 22 + text_width(labels)
    with drawing(300 + left, 70 + 22 * len(owners)) as figure:
        axes = axes_of(figure, left, 22, 26, 40)
        series = [
            ("FRR", [one.frr for one in owners], -0.14, BLUE, "o", BLUE),
            ("FAR, skilled", [one.far_skilled for one in owners], 0.14, VERMILLION, "s", "white"),
        ]
        for name, rates, shift, colour, marker, fill in series:
            known = [(rate, row + shift) for row, rate in enumerate(rates) if rate is not None]
            if known:
                axes.plot(
                    *zip(*known, strict=True),
                    color=colour,
                    ls="",
                    marker=marker,
                    markerfacecolor=fill,
                    clip_on=False,
                    label=name,
                )
        _rows(axes, labels)
        axes.set_xlim(0, 1)
        axes.set_xlabel("share of the writer's own pairs")
        return finish(figure, "writers", "Writers", "Error rates of each writer, as in the table.")


def traits(scores: Sequence[TraitScore], net: Verification) -> Plot:
    """The EER of the net, and of each trivial feature, as bars of both kinds of forgeries."""
    shown = [TraitScore("the net", *said.eers_of(net)), *scores]
    labels = [short(one.name, 18) for one in shown]
    left = 22 + text_width(labels)
    with drawing(300 + left, 74 + 30 * len(shown)) as figure:
        axes = axes_of(figure, left, 22, 26, 44)
        _bars(axes, "skilled", [one.skilled for one in shown], -0.19, VERMILLION, VERMILLION)
        _bars(axes, "random", [one.random for one in shown], 0.19, SOFT, "white")
        axes.axhline(0.5, color=INK, lw=0.8)  # the net above, the features below
        axes.axvline(0.5, color=SOFT, lw=1, ls=DASHED)
        _rows(axes, labels)
        axes.set_xlim(0, _top([rate for one in shown for rate in (one.skilled, one.random)], 0.6))
        axes.set_xlabel("equal error rate, chosen afterwards")
        label = "Equal error rates, as in the table beside."
        return finish(figure, "traits", "Trivial features", label)


def _bars(
    axes: Axes, kind: str, rates: Sequence[Interval | None], shift: float, edge: str, fill: str
) -> None:
    """A bar with its interval in each row that has a rate."""
    known = [(row + shift, rate) for row, rate in enumerate(rates) if rate]
    if known:
        axes.barh(
            [row for row, _ in known],
            [rate.value for _, rate in known],
            height=0.34,
            xerr=reach([rate for _, rate in known]),
            color=fill,
            edgecolor=edge,
            ecolor=INK,
            error_kw={"elinewidth": 1},
            label=f"{kind} forgeries",
        )


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    """Name the rows of a drawing, the first on top, of shares along x."""
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_yticks(range(len(labels)), labels)
    axes.grid(axis="y", visible=False)
    percents(axes.xaxis)
    few_ticks(axes.xaxis, 5)
    axes.spines["left"].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)


# --- noise --------------------------------------------------------------------------------


def noise(curve: NoiseCurve, top: float) -> Plot:
    """Error rates by severity of one corruption; ``top`` ends the y axis of all of them."""
    with drawing(290, 206) as figure:
        axes = axes_of(figure, 44, 12, 28, 36)
        for name in ("FRR", "FAR", "EER"):
            _by_severity(axes, curve, name)
        for rise in said.rises(curve):
            if rise.severity is not None:
                axes.axvline(rise.severity, ymax=0.09, color=INK, lw=1.6)
        axes.set_xticks([p.severity for p in curve.points])
        axes.set(ylim=(0, top), xlabel="severity")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, borderpad=0)
        percents(axes.yaxis)
        few_ticks(axes.yaxis, 4)
        return finish(figure, f"spoilt-{curve.name}", curve.title, _told(curve))


def _by_severity(axes: Axes, curve: NoiseCurve, name: str) -> None:
    """A line for one of the rates, in its interval unless it is chosen afterwards."""
    looks: dict[str, tuple[str, Any, str, str]] = {
        "FRR": (BLUE, "-", "o", BLUE),
        "FAR": (VERMILLION, DASHED, "s", "white"),
        "EER": (SOFT, DOTTED, "", "none"),
    }
    colour, style, marker, fill = looks[name]
    points = [(p.severity, rate) for p in curve.points if (rate := p.named(name))]
    if not points:
        return
    x, rates = [severity for severity, _ in points], [rate for _, rate in points]
    if name != "EER":
        low, high = [rate.low for rate in rates], [rate.high for rate in rates]
        axes.fill_between(x, low, high, color=colour, alpha=0.13, lw=0)
    y = [rate.value for rate in rates]
    axes.plot(x, y, color=colour, ls=style, marker=marker, markerfacecolor=fill, label=name)


def noise_top(curves: Sequence[NoiseCurve]) -> float:
    """The upper end of the y axis that all noise plots share."""
    return _top([rate for curve in curves for rate in said.noise_rates(curve)], 0.2)


def _told(curve: NoiseCurve) -> str:
    told = ", ".join(
        f"{p.severity}: "
        + " and ".join(
            f"{name} {words.value(rate)}" for name in ("FRR", "FAR") if (rate := p.named(name))
        )
        for p in curve.points
    )
    return f"{curve.title}, error rates at the fixed threshold by severity: {told}."


def _top(rates: Sequence[Interval | None], least: float) -> float:
    """The upper end of an axis from 0 that shows all of the rates' intervals."""
    return min(1.0, max(least, math.ceil(10 * max((i.high for i in rates if i), default=0)) / 10))
