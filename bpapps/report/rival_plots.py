"""Drawings of nets side by side: accuracy by corruption, and the memory of a training step.

Nets differ by marker and by where they stand in a row, not by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bpapps.report import words
from bpapps.report.drawing import (
    BLUE,
    INK,
    VERMILLION,
    Plot,
    axes_of,
    drawing,
    few_ticks,
    finish,
    name_y,
    percents,
    text_width,
    two_lines,
)
from bpapps.results import Rival, StepMemory

LOOKS = (
    (BLUE, "o", BLUE), (VERMILLION, "s", "white"), (INK, "^", "white"), (BLUE, "D", "white"),
    (VERMILLION, "v", VERMILLION), (INK, "P", INK),
)  # fmt: skip
"""Colour, marker and filling of each net; more than these begin anew."""


def noise(rivals: Sequence[Rival]) -> Plot:
    """Mean accuracy of each net under each corruption, as dots in a row."""
    titles = sorted(rivals[0].noise, key=lambda title: rivals[0].noise[title])
    left = 22 + text_width(titles)
    columns = 2 if max(len(net.name) for net in rivals) <= 16 else 1
    legend = 18 * math.ceil(len(rivals) / columns)
    with drawing(300 + left, 60 + legend + 24 * len(titles)) as figure:
        axes = axes_of(figure, left, 22, 10 + legend, 40)
        step = 0.5 / len(rivals)
        for place, net in enumerate(rivals):
            colour, marker, fill = LOOKS[place % len(LOOKS)]
            rows = [row + step * (place - (len(rivals) - 1) / 2) for row in range(len(titles))]
            values = [net.noise[title] for title in titles]
            axes.plot(
                values, rows, ls="", color=colour, marker=marker, markerfacecolor=fill,
                label=net.name, clip_on=False,
            )  # fmt: skip
        lows = [value for net in rivals for value in net.noise.values()]
        axes.set_xlim(max(0, math.floor(min(lows) * 10) / 10), 1.0)
        axes.set_ylim(len(titles) - 0.5, -0.5)
        axes.set_yticks(range(len(titles)), titles)
        axes.grid(axis="y", visible=False)
        percents(axes.xaxis)
        few_ticks(axes.xaxis, 5)
        for spine in ("left", "bottom"):
            axes.spines[spine].set_visible(False)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderpad=0)
        axes.set_xlabel("accuracy, mean over the severities")
        told = "; ".join(
            f"{title}: "
            + ", ".join(f"{net.name} {words.percent(net.noise[title])}" for net in rivals)
            for title in titles
        )
        return finish(figure, "rivals-noise", "Accuracy under each corruption", told + ".")


def memory(points: Sequence[StepMemory]) -> Plot:
    """Memory of a step by iterations: of the implicit gradient, and of the unrolled one."""
    lines = {
        "implicit": [point.implicit / 1e6 for point in points],
        "unrolled": [point.unrolled / 1e6 for point in points],
    }
    with drawing(350, 250) as figure:
        axes = axes_of(figure, 52, 20, 46, 38)
        two_lines(axes, [point.iterations for point in points], lines)
        axes.set_xlabel("iterations to the fixed point")
        name_y(axes, "MB a training step")
        told = ", ".join(
            f"{p.iterations}: {words.memory(p.implicit)} and {words.memory(p.unrolled)}"
            for p in points
        )
        label = f"Memory of a step of the implicit and the unrolled gradient by iterations: {told}."
        return finish(figure, "rivals-memory", "Memory of a training step", label)
