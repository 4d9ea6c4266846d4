"""The report's plots: figures of Results drawn by matplotlib, given back as small inline SVG.

One unit of a drawing is one CSS pixel. Text stays text, in the page's own font, so it can be
searched and scaled. Series differ by marker, line style and label, never by colour alone; the
two colours are Okabe and Ito's blue and vermillion. Drawing touches no pyplot state, and the
same figures give the same bytes.
"""

from __future__ import annotations

import html
import io
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bpapps.evaluation import (
    Calibration,
    ClassScore,
    DependencePoint,
    Interval,
    NoiseCurve,
    wilson,
)
from bpapps.report import readings, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILLION = "#0072B2", "#D55E00"
INK, SOFT, GRID = "#222222", "#5a5a5a", "#dddddd"

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": SOFT,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 72,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 11.5,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 11.5,
    "lines.linewidth": 1.7,
    "lines.markersize": 5.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "bpapps",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": SOFT,
    "xtick.labelcolor": INK,
    "xtick.major.size": 0,
    "ytick.color": SOFT,
    "ytick.labelcolor": INK,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
}


@dataclass(frozen=True)
class Plot:
    """A drawing: its title, its SVG with a text alternative, and its natural width in px."""

    title: str
    svg: str
    width: int


def training_curves(history: Sequence[dict[str, Any]]) -> list[Plot]:
    """Loss, validation score and learning rate by epoch, each that was recorded."""
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
    return plots


def training_time(history: Sequence[dict[str, Any]]) -> Plot | None:
    """Validation score by seconds of training; None where fewer than two epochs tell both."""
    pairs = readings.score_by_time(history)
    if len(pairs) < 2:
        return None
    with _figure(350, 250) as figure:
        axes = _axes(figure, 46, 20, 28, 38)
        every = max(1, len(pairs) // 12)
        axes.plot(*zip(*pairs, strict=True), color=BLUE, marker="o", markevery=every)
        axes.set_xlim(left=0)
        axes.set_xlabel("seconds of training")
        _name_y(axes, "validation score")
        _percents(axes.yaxis)
        _few_ticks(axes.xaxis, 6)
        _few_ticks(axes.yaxis, 5)
        told = ", ".join(
            f"{words.duration(t)}: {words.percent(score)}" for t, score in pairs[::every]
        )
        return _plot(figure, "time", "Score by time", f"Validation score by time: {told}.")


def class_scores(scores: Sequence[ClassScore]) -> Plot:
    """Precision and recall of every class, as dots with their 95% intervals."""
    labels = [_short(score.label) for score in scores]
    left = 22 + _text_width(labels)
    width, height = 330 + left, 66 + 24 * len(scores)
    with _figure(width, height) as figure:
        axes = _axes(figure, left, 22, 26, 40)
        series = [
            ("precision", [score.precision for score in scores], -0.16, BLUE, "o", BLUE),
            ("recall", [score.recall for score in scores], 0.16, VERMILLION, "s", "white"),
        ]
        for name, intervals, shift, colour, marker, fill in series:
            rows = [(row, i) for row, i in enumerate(intervals) if words.measured(i)]
            axes.errorbar(
                [i.value for _, i in rows],
                [row + shift for row, _ in rows],
                xerr=_reach([i for _, i in rows]),
                fmt=marker,
                color=colour,
                markerfacecolor=fill,
                elinewidth=1.2,
                label=name,
            )
        lows = [i.low for _, column, *_ in series for i in column if words.measured(i)]
        axes.set_xlim(_floor(lows), 1.0)
        axes.set_ylim(len(scores) - 0.5, -0.5)
        axes.set_yticks(range(len(scores)), labels)
        axes.grid(axis="y", visible=False)
        _percents(axes.xaxis)
        _few_ticks(axes.xaxis, 5)
        for spine in ("left", "bottom"):
            axes.spines[spine].set_visible(False)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
        axes.set_xlabel("share, with 95% interval")
        for line in axes.get_lines():
            line.set_clip_on(False)
        return _plot(
            figure, "classes", "Classes", "Precision and recall of each class, as in the table."
        )


def confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> Plot:
    """Counts of truth (rows) by prediction (columns), darker the larger the share of the row."""
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    blues = colormaps["Blues"]
    k = len(classes)
    cell = max(30, min(64, 240 // k)) if k <= 12 else 24 if k <= 30 else 16
    size = 11.5 if k <= 12 else 9
    digits = len(str(max(map(max, matrix))))
    number: dict[str, Any] = {
        "size": min(size, 1.5 * cell / digits),
        "ha": "center",
        "va": "center_baseline",
    }
    labels = [_short(label) for label in classes]
    margin = 14 + max(_text_width(labels, size), _text_width(["truth"]))
    upright = _text_width(labels, size) > cell
    top = 40 + (_text_width(labels, size) if upright else 12)
    side = cell * k
    with _figure(margin + side + 8, top + side + 8) as figure:
        axes = _axes(figure, margin, 8, top, 8)
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
        axes.xaxis.set_label_position("top")
        axes.set_xlabel("prediction")
        _at_corner(axes, "truth", (-4, 4), "right")
        for spine in axes.spines.values():
            spine.set_visible(False)
        return _plot(figure, "confusion", "Confusion matrix", "Counts of truth by prediction.")


def reliability(calibration: Calibration) -> Plot:
    """Share of right answers by stated confidence, over the number of answers in each bin."""
    bins = [b for b in calibration.bins if b.n > 0]
    with _figure(350, 392) as figure:
        axes = _axes(figure, 46, 20, 26, 144)
        below = _axes(figure, 46, 20, 286, 38)
        axes.plot([0, 1], [0, 1], color=SOFT, lw=1, ls=(0, (4, 3)))
        axes.text(0.03, 0.92, "too unsure", color=SOFT)
        axes.text(0.97, 0.05, "too sure", color=SOFT, ha="right")
        intervals = [wilson(round(b.accuracy * b.n), b.n) for b in bins]
        axes.errorbar(
            [b.confidence for b in bins],
            [b.accuracy for b in bins],
            yerr=_reach(intervals),
            fmt="o",
            color=BLUE,
            elinewidth=1.2,
            clip_on=False,
        )
        axes.set(xlim=(0, 1), ylim=(0, 1))
        _name_y(axes, "share right")
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
        _name_y(below, "answers")
        below.set_ylim(0.7, 2 * max(b.n for b in bins))
        _log_ticks(below.yaxis)
        for each in (axes, below):
            _percents(each.xaxis)
        _percents(axes.yaxis)
        label = f"Reliability diagram of {len(bins)} bins, and the number of answers in each bin."
        return _plot(figure, "reliability", "Reliability diagram", label)


def noise(curve: NoiseCurve, bottom: float) -> Plot:
    """Accuracy by severity of one corruption, with its interval; ``bottom`` ends the y axis."""
    with _figure(290, 186) as figure:
        axes = _axes(figure, 44, 12, 8, 36)
        _interval_line(axes, [p.severity for p in curve.points], [p.accuracy for p in curve.points])
        clean = curve.points[0].accuracy.value
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
        _percents(axes.yaxis)
        _few_ticks(axes.yaxis, 4)
        told = ", ".join(f"{p.severity}: {words.percent(p.accuracy.value)}" for p in curve.points)
        label = f"{curve.title}, accuracy by severity: {told}."
        return _plot(figure, f"noise-{curve.name}", curve.title, label)


def noise_bottom(curves: Sequence[NoiseCurve]) -> float:
    """The lower end of the y axis that all noise plots share."""
    return _floor([point.accuracy.low for curve in curves for point in curve.points], 0.1)


def learning_curve(points: Sequence[DependencePoint]) -> Plot:
    """Test accuracy by number of training pictures, on a logarithmic axis."""
    points = sorted(points, key=lambda p: p.n_train)
    sizes = [max(p.n_train, 1) for p in points]
    marks = [words.count(p.n_train) for p in points]
    with _figure(350, 250) as figure:
        axes = _dependence(figure, sizes, points)
        axes.set_xscale("log")
        keep = _apart([math.log(size) for size in sizes])
        axes.set_xticks([sizes[i] for i in keep], [marks[i] for i in keep])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("training pictures")
        label = f"Test accuracy by training pictures: {_told(marks, points)}."
        return _plot(figure, "learning", "Learning curve", label)


def label_noise(points: Sequence[DependencePoint]) -> Plot:
    """Test accuracy by the share of training labels made wrong."""
    points = sorted(points, key=lambda p: p.share)
    shares = [p.share for p in points]
    marks = [words.share(share) for share in shares]
    with _figure(350, 250) as figure:
        axes = _dependence(figure, shares, points)
        keep = _apart(shares)
        axes.set_xticks([shares[i] for i in keep], [marks[i] for i in keep])
        axes.set_xlabel("wrong training labels")
        label = f"Test accuracy by share of wrong labels: {_told(marks, points)}."
        return _plot(figure, "labels", "Label noise", label)


def _dependence(figure: Figure, x: Sequence[float], points: Sequence[DependencePoint]) -> Axes:
    axes = _axes(figure, 46, 20, 28, 38)
    _interval_line(axes, x, [p.accuracy for p in points])
    axes.set_ylim(_floor([p.accuracy.low for p in points], 0.05), 1.0)
    _name_y(axes, "test accuracy")
    _percents(axes.yaxis)
    _few_ticks(axes.yaxis, 5)
    return axes


def _told(marks: Sequence[str], points: Sequence[DependencePoint]) -> str:
    return ", ".join(
        f"{mark}: {words.percent(p.accuracy.value)}" for mark, p in zip(marks, points, strict=True)
    )


def _apart(x: Sequence[float], share: float = 0.12) -> list[int]:
    """Indices of the ticks to label, from the last down, none closer than a share of the span."""
    keep: list[int] = []
    for i in range(len(x) - 1, -1, -1):
        if not keep or x[keep[-1]] - x[i] >= share * (x[-1] - x[0]):
            keep.append(i)
    return keep[::-1]


def _series(history: Sequence[dict[str, Any]], key: str) -> list[tuple[float, float]]:
    """(epoch, value) wherever the record holds a finite value."""
    pairs = [(record.get("epoch", i), record.get(key)) for i, record in enumerate(history, 1)]
    return [(epoch, value) for epoch, value in pairs if words.known(value)]


def _epochs(title: str, lines: dict[str, list[tuple[float, float]]]) -> Plot:
    """One or two values by epoch: the first solid with dots, the second dashed with squares."""
    looks = [(BLUE, "-", "o", BLUE), (VERMILLION, (0, (4, 2)), "s", "white")]
    values = [value for pairs in lines.values() for _, value in pairs]
    with _figure(290, 200) as figure:
        axes = _axes(figure, 46, 14, 24 if len(lines) > 1 else 10, 36)
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
            _log_ticks(axes.yaxis)
        else:
            _few_ticks(axes.yaxis, 5)
        if title == "Validation score":
            _percents(axes.yaxis)
        _few_ticks(axes.xaxis, 6, integer=True)
        axes.set_xlabel("epoch")
        if len(lines) > 1:
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
        told = "; ".join(
            f"{name} from {words.number(pairs[0][1])} to {words.number(pairs[-1][1])}"
            for name, pairs in lines.items()
        )
        return _plot(figure, f"training-{title}", title, f"{title} by epoch: {told}.")


def _interval_line(axes: Axes, x: Sequence[float], intervals: Sequence[Interval]) -> None:
    """A line with dots in a light band that is the interval."""
    axes.fill_between(
        x, [i.low for i in intervals], [i.high for i in intervals], color=BLUE, alpha=0.18, lw=0
    )
    axes.plot(x, [i.value for i in intervals], color=BLUE, marker="o", clip_on=False)


def _reach(intervals: Sequence[Interval]) -> list[list[float]]:
    """How far the error bars reach below and above, as matplotlib wants them."""
    below = [max(0.0, i.value - i.low) for i in intervals]
    return [below, [max(0.0, i.high - i.value) for i in intervals]]


def _floor(lows: Sequence[float], step: float = 0.05) -> float:
    """The lower end of an axis that shows all of ``lows``, and ends at 100%."""
    return min(1 - step, math.floor(min(lows, default=0.0) / step + 1e-9) * step)


def _short(label: str, most: int = 14) -> str:
    return label if len(label) <= most else label[: most - 1] + "…"


def _text_width(labels: Sequence[str], size: float = 11.5) -> int:
    return round(0.62 * size * max(map(len, labels), default=0))


@contextmanager
def _figure(width: float, height: float) -> Iterator[Figure]:
    """A figure of so many CSS pixels, drawn in the report's style whatever the user's own is."""
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(STYLE, after_reset=True), warnings.catch_warnings():
        # The browser's fonts draw the text; matplotlib only measures it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield Figure(figsize=(width / 72, height / 72))


def _axes(figure: Figure, left: float, right: float, top: float, bottom: float) -> Axes:
    """Axes with margins in pixels."""
    width, height = 72 * figure.get_figwidth(), 72 * figure.get_figheight()
    return figure.add_axes(
        (
            left / width,
            bottom / height,
            (width - left - right) / width,
            (height - top - bottom) / height,
        )
    )


def _name_y(axes: Axes, name: str) -> None:
    """Name the y axis above it, level: turned text is hard to read, and browsers clip it."""
    _at_corner(axes, name, (-42, 9), "left")


def _at_corner(axes: Axes, text: str, offset: tuple[float, float], align: str) -> None:
    """Text so many pixels right of and above the upper left corner."""
    axes.annotate(
        text, (0, 1), xytext=offset, xycoords="axes fraction", textcoords="offset points", ha=align
    )


def _percents(axis: Any) -> None:
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g}%"))


def _few_ticks(axis: Any, most: int, integer: bool = False) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(most, integer=integer, steps=[1, 2, 2.5, 5, 10]))


def _log_ticks(axis: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = sorted(axis.get_view_interval())
    subs = (1.0,) if high > 200 * low else (1.0, 3.0) if high > 20 * low else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(subs=subs, numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_locator(NullLocator())


def _plot(figure: Figure, name: str, title: str, label: str) -> Plot:
    """The figure as an SVG element to stand in a page beside others; ``label`` says it in words."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    width, height = round(72 * figure.get_figwidth()), round(72 * figure.get_figheight())
    return Plot(title, _inline(buffer.getvalue(), name, label, width, height), width)


def _inline(svg: str, name: str, label: str, width: int, height: int) -> str:
    """Strip a stand-alone SVG to what a page needs, with ids of its own and a text alternative."""
    body = svg[svg.index("<svg") :]
    body = body[body.index(">") + 1 :]
    for needless in (r"<!--.*?-->", r"<metadata>.*?</metadata>", r"<style[^>]*>.*?</style>"):
        body = re.sub(needless, "", body, flags=re.DOTALL)
    body = body.replace("xlink:href", "href")
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', body))
    prefix = re.sub(r"\W+", "-", name)

    def tidy(tag: re.Match[str]) -> str:
        text = re.sub(
            r' id="([^"]*)"', lambda i: f' id="{prefix}-{i[1]}"' if i[1] in used else "", tag[0]
        )
        text = re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}-", text)
        text = re.sub(r"font-family: [^;]*; |font-size: 11.5px; ", "", text)
        text = re.sub(r' transform="rotate\(-0 [^"]*"', "", text)
        text = re.sub(r"(\.\d\d)\d+", r"\1", text)
        return text.replace(" \n", " ")

    body = re.sub(r">\s+<", "><", re.sub(r"<[^>]+>", tidy, body))
    opening = (
        f'<svg class="plot" role="img" aria-label="{html.escape(label)}" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="11.5">'
    )
    return opening + body.strip()
