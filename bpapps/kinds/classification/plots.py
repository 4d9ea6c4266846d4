"""A classifier's plots: precision and recall, and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bpapps.kinds.classification.records import ClassScore
from bpapps.report import words
from bpapps.report.drawing import (
    BLUE,
    GRID,
    INK,
    VERMILLION,
    Plot,
    at_corner,
    axes_of,
    drawing,
    few_ticks,
    finish,
    percents,
    reach,
    short,
    text_width,
)
from bpapps.report.plots import floor


def class_scores(scores: Sequence[ClassScore]) -> Plot:
    """Precision and recall of every class, as dots with their 95% intervals."""
    labels = [short(score.label) for score in scores]
    left = 22 + text_width(labels)
    width, height = 330 + left, 66 + 24 * len(scores)
    with drawing(width, height) as figure:
        axes = axes_of(figure, left, 22, 26, 40)
        series = [
            ("precision", [score.precision for score in scores], -0.16, BLUE, "o", BLUE),
            ("recall", [score.recall for score in scores], 0.16, VERMILLION, "s", "white"),
        ]
        for name, intervals, shift, colour, marker, fill in series:
            rows = [(row, i) for row, i in enumerate(intervals) if words.measured(i)]
            axes.errorbar(
                [i.value for _, i in rows],
                [row + shift for row, _ in rows],
                xerr=reach([i for _, i in rows]),
                fmt=marker,
                color=colour,
                markerfacecolor=fill,
                elinewidth=1.2,
                label=name,
            )
        lows = [i.low for _, column, *_ in series for i in column if words.measured(i)]
        axes.set_xlim(floor(lows), 1.0)
        axes.set_ylim(len(scores) - 0.5, -0.5)
        axes.set_yticks(range(len(scores)), labels)
        axes.grid(axis="y", visible=False)
        percents(axes.xaxis)
        few_ticks(axes.xaxis, 5)
        for spine in ("left", "bottom"):
            axes.spines[spine].set_visible(False)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
        axes.set_xlabel("share, with 95% interval")
        for line in axes.get_lines():
            line.set_clip_on(False)
        return finish(
            figure, "classes", "Classes", "Precision and recall of each class, as in the table."
        )


def confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> Plot:
    """Counts of truth (rows) by prediction (columns), darker the larger the share of the row.

    A large one has its labels on all four sides.
    """
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    blues = colormaps["Blues"]
    k = len(classes)
    cell = max(30, min(64, 240 // k)) if k <= 12 else 24 if k <= 30 else 16
    is_large = k > 30
    size = 11.5 if k <= 12 else 10 if is_large else 9
    digits = len(str(max(map(max, matrix))))
    number: dict[str, Any] = {
        "size": min(size, 1.5 * cell / digits),
        "ha": "center",
        "va": "center_baseline",
    }
    labels = [short(label) for label in classes]
    margin = 14 + max(text_width(labels, size), text_width(["truth"]))
    upright = text_width(labels, size) > cell
    top = 40 + (text_width(labels, size) if upright else 12)
    side = cell * k
    right, bottom = (margin - 6, top - 22) if is_large else (8, 8)
    with drawing(margin + side + right, top + side + bottom) as figure:
        axes = axes_of(figure, margin, right, top, bottom)
        axes.grid(visible=False)
        for row, counts in enumerate(matrix):
            total = sum(counts)
            for column, n in enumerate(counts):
                if not n:
                    continue
                tint = (n / total) ** 0.4  # lifts the few errors into sight
                place = (column - 0.5, row - 0.5)
                axes.add_patch(Rectangle(place, 1, 1, facecolor=blues(tint), lw=0))
                ink = "white" if tint > 0.6 else INK
                axes.text(column, row, str(n), color=ink, **number)
        edges = [edge - 0.5 for edge in range(k + 1)]
        axes.hlines(edges, -0.5, k - 0.5, color=GRID, lw=0.6)
        axes.vlines(edges, -0.5, k - 0.5, color=GRID, lw=0.6)
        axes.set(xlim=(-0.5, k - 0.5), ylim=(k - 0.5, -0.5))
        axes.set_xticks(range(k), labels, size=size, rotation=90 if upright else 0)
        axes.set_yticks(range(k), labels, size=size)
        axes.xaxis.tick_top()
        axes.tick_params(labelbottom=is_large, labelright=is_large)
        axes.xaxis.set_label_position("top")
        axes.set_xlabel("prediction", labelpad=6)
        at_corner(axes, "truth", (-4, 4), "right")
        for spine in axes.spines.values():
            spine.set_visible(False)
        return finish(figure, "confusion", "Confusion matrix", "Counts of truth by prediction.")
