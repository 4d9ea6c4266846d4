"""How the report's plots look, and how a matplotlib figure becomes small inline SVG.

One unit of a drawing is one CSS pixel. Text stays text, in the page's own font, so it can be
searched and scaled. Drawing touches no pyplot state and none of the user's own settings, and
the same figures give the same bytes.
"""

from __future__ import annotations

import html
import io
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bpapps.measures.intervals import Interval
from bpapps.report import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILLION = "#0072B2", "#D55E00"
INK, SOFT, GRID = "#222222", "#5a5a5a", "#dddddd"

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": SOFT,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 72,
    "figure.facecolor": "none",
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
    "xtick.minor.size": 0,
    "ytick.color": SOFT,
    "ytick.labelcolor": INK,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
}


@dataclass(frozen=True)
class Plot:
    """A drawing: its title, its SVG with a text alternative, and its natural width in px."""

    title: str
    svg: str
    width: int


def short(label: str, most: int = 14) -> str:
    """A label cut to so many characters."""
    return label if len(label) <= most else label[: most - 1] + "…"


def text_width(labels: Sequence[str], size: float = 11.5) -> int:
    """Room in px for the longest of some labels, in the widest of usual fonts."""
    return round(0.62 * size * max(map(len, labels), default=0))


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """A figure of so many CSS pixels, drawn in the report's style whatever the user's own is."""
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(STYLE, after_reset=True), warnings.catch_warnings():
        # The browser's fonts draw the text; matplotlib only measures it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield Figure(figsize=(width / 72, height / 72))


def axes_of(figure: Figure, left: float, right: float, top: float, bottom: float) -> Axes:
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


def name_y(axes: Axes, name: str) -> None:
    """Name the y axis above it, level: turned text is hard to read, and browsers clip it."""
    at_corner(axes, name, (-42, 9), "left")


def at_corner(axes: Axes, text: str, offset: tuple[float, float], align: str) -> None:
    """Text so many pixels right of and above the upper left corner."""
    axes.annotate(
        text, (0, 1), xytext=offset, xycoords="axes fraction", textcoords="offset points", ha=align
    )


def percents(axis: Any) -> None:
    """Label the ticks of shares in [0, 1] as percentages."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g}%"))


def few_ticks(axis: Any, most: int, integer: bool = False) -> None:
    """Tick round values, about ``most`` of them."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(most, integer=integer, steps=[1, 2, 2.5, 5, 10]))


def log_ticks(axis: Any) -> None:
    """Tick a logarithmic axis at 1, and at 3 or 2 and 5 where it spans few decades."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = sorted(axis.get_view_interval())
    subs = (1.0,) if high > 200 * low else (1.0, 3.0) if high > 20 * low else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(subs=subs, numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_locator(NullLocator())


def apart(x: Sequence[float], share: float = 0.12) -> list[int]:
    """Indices of the ticks to label, from the last down, none closer than a share of the span."""
    keep: list[int] = []
    for i in range(len(x) - 1, -1, -1):
        if not keep or x[keep[-1]] - x[i] >= share * (x[-1] - x[0]):
            keep.append(i)
    return keep[::-1]


def reach(intervals: Sequence[Interval]) -> list[list[float]]:
    """How far the error bars reach below and above, as matplotlib wants them."""
    below = [max(0.0, i.value - i.low) for i in intervals]
    return [below, [max(0.0, i.high - i.value) for i in intervals]]


def two_lines(axes: Axes, x: Sequence[float], lines: Mapping[str, Sequence[float]]) -> None:
    """Two named lines by what grows, on logarithmic axes."""
    looks = ((BLUE, "-", "o", BLUE), (VERMILLION, (0, (4, 2)), "s", "white"))
    for (name, y), (colour, style, marker, fill) in zip(lines.items(), looks, strict=True):
        axes.plot(x, y, color=colour, ls=style, marker=marker, markerfacecolor=fill, label=name)
    axes.set(xscale="log", yscale="log")
    keep = [x[i] for i in apart([math.log(value) for value in x])]
    axes.set_xticks(keep, [words.count(value) for value in keep])
    axes.set_xticks([], minor=True)
    low, high = axes.get_ylim()
    axes.set_ylim(low / 1.3, high * 1.3)  # a line that is nearly level is to look so
    log_ticks(axes.yaxis)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderpad=0, labelcolor=INK)


def finish(figure: Figure, name: str, title: str, label: str) -> Plot:
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
