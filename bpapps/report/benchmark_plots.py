"""The benchmark's drawings: its ratios, and how time and memory grow."""

from __future__ import annotations

from collections.abc import Sequence

from bpapps.report import words
from bpapps.report.benchmark import Comparison, Series
from bpapps.report.drawing import (
    BLUE,
    SOFT,
    VERMILLION,
    Plot,
    axes_of,
    drawing,
    finish,
    log_ticks,
    name_y,
    text_width,
    two_lines,
)


def ratios(comparisons: Sequence[Comparison]) -> Plot | None:
    """Each ratio with its quartiles, beside its target; None where there is none."""
    rows = [c for c in comparisons if words.known(c.ratio)]
    if not rows:
        return None
    labels = [f"{c.work}, {_short(c)}" for c in rows]
    left = 22 + text_width(labels)
    with drawing(330 + left, 66 + 26 * len(rows)) as figure:
        axes = axes_of(figure, left, 22, 26, 40)
        for i, c in enumerate(rows):
            axes.hlines(i, *c.quartiles, color=BLUE, lw=2.4)
        places = range(len(rows))
        axes.plot([c.ratio for c in rows], places, "o", color=BLUE, label="ratio")
        targets = [c.wanted for c in rows]
        axes.plot(targets, places, "|", color=VERMILLION, ms=15, mew=2, label="target")
        axes.axvline(1, color=SOFT, lw=1, ls=(0, (4, 3)))
        axes.set_xscale("log")
        ends = [x for c in rows for x in (*c.quartiles, c.wanted, 1.0)]
        axes.set_xlim(0.85 * min(ends), 1.18 * max(ends))
        log_ticks(axes.xaxis)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks(places, labels)
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
        axes.set_xlabel("theirs over ours, with quartiles")
        told = "; ".join(
            f"{label} {c.figure}, target {c.verdict}" for label, c in zip(labels, rows, strict=True)
        )
        return finish(figure, "ratios", "Ratios", f"Ratios: {told}.")


def growth(series: Series) -> Plot:
    """Ours and PyTorch's by what grows, on logarithmic axes."""
    x, ours, theirs = ([point[key] for point in series.points] for key in ("x", "ours", "torch"))
    with drawing(350, 250) as figure:
        axes = axes_of(figure, 52, 20, 46, 38)
        two_lines(axes, x, {"ours": ours, "PyTorch": theirs})
        axes.set_xlabel(series.x)
        name_y(axes, series.y)
        told = ", ".join(
            f"{words.count(p['x'])}: {words.number(p['ours'])} and {words.number(p['torch'])}"
            for p in series.points
        )
        label = f"{series.title}, {series.y} of ours and of PyTorch by {series.x}: {told}."
        return finish(figure, f"growth-{series.name}", series.title, label)


def _short(comparison: Comparison) -> str:
    return comparison.against.partition(" ")[0]
