"""The report's plots: what of Results is drawn, and how.

Series differ by marker, line style and label, never by colour alone; the two colours are Okabe
and Ito's blue and vermillion. Every drawing says in words what it shows, for those who do not
see it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bpapps.measures.calibration import Calibration
from bpapps.measures.intervals import Interval, wilson
from bpapps.report import readings, words
from bpapps.report.drawing import (
    BLUE,
    SOFT,
    VERMILLION,
    Plot,
    apart,
    axes_of,
    drawing,
    few_ticks,
    finish,
    log_ticks,
    name_y,
    percents,
    reach,
)
from bpapps.results import DependencePoint, NoiseCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def training_curves(history: Sequence[dict[str, Any]]) -> list[Plot]:
    """Loss, validation score, learning rate and iterations by epoch, each that was recorded."""
    loss = _series(history, "loss")
    validation = _series(history, "validation_loss")
    score = _series(history, "validation_score")
    rate = _series(history, "learning_rate")
    plots = []
    if loss or validation:
        lines = {"training": loss, "validation": validation}
        plots.append(_epochs("Loss", {name: line for name, line in lines.items() if line}))
    if score:
        plots.append(_epochs("Validation score", {"validation": score}))
    if len({value for _, value in rate}) > 1:
        plots.append(_epochs("Learning rate", {"learning rate": rate}))
    settling = {
        name: _series(history, key)
        for name, key in (("activations", "forward_iterations"), ("error", "backward_iterations"))
    }
    if settling["activations"]:
        known = {name: line for name, line in settling.items() if line}
        plots.append(_epochs("Iterations to settle", known))
    return plots


def training_time(history: Sequence[dict[str, Any]]) -> Plot | None:
    """Validation score by seconds of training; None where fewer than two epochs tell both."""
    pairs = readings.score_by_time(history)
    if len(pairs) < 2:
        return None
    with drawing(350, 250) as figure:
        axes = axes_of(figure, 46, 20, 28, 38)
        every = max(1, len(pairs) // 12)
        axes.plot(*zip(*pairs, strict=True), color=BLUE, marker="o", markevery=every)
        axes.set_xlim(left=0)
        axes.set_xlabel("seconds of training")
        name_y(axes, "validation score")
        percents(axes.yaxis)
        few_ticks(axes.xaxis, 6)
        few_ticks(axes.yaxis, 5)
        told = ", ".join(
            f"{words.duration(t)}: {words.percent(score)}" for t, score in pairs[::every]
        )
        return finish(figure, "time", "Score by time", f"Validation score by time: {told}.")


def reliability(calibration: Calibration) -> Plot:
    """Share of right answers by stated confidence, over the number of answers in each bin."""
    bins = [b for b in calibration.bins if b.n > 0]
    with drawing(350, 392) as figure:
        axes = axes_of(figure, 46, 20, 26, 144)
        below = axes_of(figure, 46, 20, 286, 38)
        axes.plot([0, 1], [0, 1], color=SOFT, lw=1, ls=(0, (4, 3)))
        axes.text(0.03, 0.92, "too unsure", color=SOFT)
        axes.text(0.97, 0.05, "too sure", color=SOFT, ha="right")
        intervals = [wilson(round(b.accuracy * b.n), b.n) for b in bins]
        axes.errorbar(
            [b.confidence for b in bins],
            [b.accuracy for b in bins],
            yerr=reach(intervals),
            fmt="o",
            color=BLUE,
            elinewidth=1.2,
            clip_on=False,
        )
        axes.set(xlim=(0, 1), ylim=(0, 1))
        name_y(axes, "share right")
        axes.tick_params(labelbottom=False)
        below.bar(
            [b.low for b in bins],
            [b.n for b in bins],
            width=[b.high - b.low for b in bins],
            align="edge",
            color="#9ecae1",
            edgecolor=BLUE,
            lw=0.8,
        )
        below.set_yscale("log")
        below.set(xlim=(0, 1), xlabel="confidence")
        name_y(below, "answers")
        below.set_ylim(0.7, 2 * max(b.n for b in bins))
        log_ticks(below.yaxis)
        for each in (axes, below):
            percents(each.xaxis)
        percents(axes.yaxis)
        label = f"Reliability diagram of {len(bins)} bins, and the number of answers in each bin."
        return finish(figure, "reliability", "Reliability diagram", label)


def noise(curve: NoiseCurve, bottom: float) -> Plot:
    """Accuracy by severity of one corruption, with its interval; ``bottom`` ends the y axis."""
    with drawing(290, 186) as figure:
        axes = axes_of(figure, 44, 12, 8, 36)
        _interval_line(axes, [p.severity for p in curve.points], [p.score for p in curve.points])
        clean = curve.points[0].score.value
        axes.axhline(clean - 0.05, color=SOFT, lw=1, ls=(0, (1, 2)))
        if curve.drop5 is not None:
            axes.plot([curve.drop5] * 2, [bottom, clean - 0.05], color=VERMILLION, ls=(0, (4, 2)))
            late = curve.drop5 > 0.6 * curve.points[-1].severity
            axes.annotate(
                f"{curve.drop5:.1f}",
                (curve.drop5, bottom),
                xytext=(-4 if late else 4, 5),
                textcoords="offset points",
                ha="right" if late else "left",
                color="#a34700",
            )
        axes.set_xticks([p.severity for p in curve.points])
        axes.set(ylim=(bottom, 1.0), xlabel="severity")
        percents(axes.yaxis)
        few_ticks(axes.yaxis, 4)
        told = ", ".join(f"{p.severity}: {words.percent(p.score.value)}" for p in curve.points)
        label = f"{curve.title}, {curve.points[0].figures[0].name} by severity: {told}."
        return finish(figure, f"noise-{curve.name}", curve.title, label)


def noise_bottom(curves: Sequence[NoiseCurve]) -> float:
    """The lower end of the y axis that all noise plots share."""
    return floor([point.score.low for curve in curves for point in curve.points], 0.1)


def learning_curve(points: Sequence[DependencePoint], figure_name: str = "test accuracy") -> Plot:
    """A figure, mostly test accuracy, by number of training pictures, on a logarithmic axis."""
    points = sorted(points, key=lambda p: p.n_train)
    sizes = [max(p.n_train, 1) for p in points]
    marks = [words.count(p.n_train) for p in points]
    with drawing(350, 250) as figure:
        axes = _dependence(figure, sizes, points, figure_name)
        axes.set_xscale("log")
        keep = apart([math.log(size) for size in sizes])
        axes.set_xticks([sizes[i] for i in keep], [marks[i] for i in keep])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("training pictures")
        label = f"{words.capital(figure_name)} by training pictures: {_told(marks, points)}."
        return finish(figure, "learning", "Learning curve", label)


def label_noise(points: Sequence[DependencePoint], figure_name: str = "test accuracy") -> Plot:
    """A figure, mostly test accuracy, by the share of training labels made wrong."""
    points = sorted(points, key=lambda p: p.share)
    shares = [p.share for p in points]
    marks = [words.share(share) for share in shares]
    with drawing(350, 250) as figure:
        axes = _dependence(figure, shares, points, figure_name)
        keep = apart(shares)
        axes.set_xticks([shares[i] for i in keep], [marks[i] for i in keep])
        axes.set_xlabel("wrong training labels")
        label = f"{words.capital(figure_name)} by share of wrong labels: {_told(marks, points)}."
        return finish(figure, "labels", "Label noise", label)


def _dependence(
    figure: Figure, x: Sequence[float], points: Sequence[DependencePoint], name: str
) -> Axes:
    axes = axes_of(figure, 46, 20, 28, 38)
    _interval_line(axes, x, [p.score for p in points])
    axes.set_ylim(floor([p.score.low for p in points], 0.05), 1.0)
    name_y(axes, name)
    percents(axes.yaxis)
    few_ticks(axes.yaxis, 5)
    return axes


def _told(marks: Sequence[str], points: Sequence[DependencePoint]) -> str:
    return ", ".join(
        f"{mark}: {words.percent(p.score.value)}" for mark, p in zip(marks, points, strict=True)
    )


def _series(history: Sequence[dict[str, Any]], key: str) -> list[tuple[float, float]]:
    """(epoch, value) wherever the record holds a finite value."""
    pairs = [(record.get("epoch", i), record.get(key)) for i, record in enumerate(history, 1)]
    return [(epoch, value) for epoch, value in pairs if words.known(value)]


def _epochs(title: str, lines: dict[str, list[tuple[float, float]]]) -> Plot:
    """One or two values by epoch: the first solid with dots, the second dashed with squares."""
    looks = [(BLUE, "-", "o", BLUE), (VERMILLION, (0, (4, 2)), "s", "white")]
    values = [value for pairs in lines.values() for _, value in pairs]
    with drawing(290, 200) as figure:
        axes = axes_of(figure, 46, 14, 24 if len(lines) > 1 else 10, 36)
        for (name, pairs), (colour, style, marker, fill) in zip(lines.items(), looks, strict=False):
            axes.plot(
                *zip(*pairs, strict=True),
                color=colour,
                ls=style,
                marker=marker,
                markerfacecolor=fill,
                markevery=max(1, len(pairs) // 12),
                label=name,
            )
        if title == "Loss" and min(values) > 0 and max(values) > 10 * min(values):
            axes.set_yscale("log")
            log_ticks(axes.yaxis)
        else:
            few_ticks(axes.yaxis, 5)
        if title == "Validation score":
            percents(axes.yaxis)
        few_ticks(axes.xaxis, 6, integer=True)
        axes.set_xlabel("epoch")
        if len(lines) > 1:
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
        told = "; ".join(
            f"{name} from {words.number(pairs[0][1])} to {words.number(pairs[-1][1])}"
            for name, pairs in lines.items()
        )
        return finish(figure, f"training-{title}", title, f"{title} by epoch: {told}.")


def _interval_line(axes: Axes, x: Sequence[float], intervals: Sequence[Interval]) -> None:
    """A line with dots in a light band that is the interval."""
    axes.fill_between(
        x, [i.low for i in intervals], [i.high for i in intervals], color=BLUE, alpha=0.18, lw=0
    )
    axes.plot(x, [i.value for i in intervals], color=BLUE, marker="o", clip_on=False)


def floor(lows: Sequence[float], step: float = 0.05) -> float:
    """The lower end of an axis that shows all of ``lows``, and ends at 100%."""
    return min(1 - step, math.floor(min(lows, default=0.0) / step + 1e-9) * step)
