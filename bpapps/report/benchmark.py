"""What a benchmark's rows come to: comparisons, each with its figure and its target, in words."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from math import nan
from typing import Any

from bpapps.report import words

Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """One figure of a work against one target.

    All is in words but ``ratio``, its ``quartiles`` and the ratio ``wanted``, which are to be
    drawn where the figure is a ratio.
    """

    work: str
    about: str
    against: str
    figure: str
    spread: str
    target: str
    met: bool
    ours: str
    theirs: str
    ratio: float = nan
    quartiles: tuple[float, float] = (nan, nan)
    wanted: float = nan

    @property
    def verdict(self) -> str:
        """``1.20 met``: the target, and whether it is."""
        return f"{self.target} {'met' if self.met else 'missed'}"


@dataclass(frozen=True)
class Series:
    """How something grows: its headings, and its points with ``x``, ``ours`` and ``torch``."""

    name: str
    title: str
    x: str
    y: str
    points: list[Row]


GROWTH = (
    ("samples", "Samples", "training pictures", "seconds"),
    ("width", "Width", "units of the one hidden layer", "seconds"),
    ("batch_size", "Batch size", "samples a step", "seconds"),
    ("threads", "Threads", "threads", "seconds"),
    ("memory", "Peak memory", "training pictures", "MB"),
)


def comparisons(results: Row) -> list[Comparison]:
    """All comparisons of a benchmark, work by work."""
    return [found for row in results["works"] for found in _comparisons(row)]


def losses(row: Row) -> str:
    """What the contestants came to by the same steps: ``ours 0.154, torch 0.154``."""
    found = row["losses"] or {}
    return ", ".join(f"{who} {words.number(value)}" for who, value in found.items())


def tally(results: Row) -> str:
    """How many targets are met: ``9 of 12``."""
    found = comparisons(results)
    return f"{sum(c.met for c in found)} of {len(found)}"


def growth(results: Row) -> list[Series]:
    """What was measured of the growth, in the order of the page."""
    measured = results["growth"]
    return [Series(*about, measured[about[0]]) for about in GROWTH if measured.get(about[0])]


def growth_in_words(series: Series) -> str:
    """From the first point to the last: how much more of x, and how much more it takes."""
    first, last = series.points[0], series.points[-1]
    if len(series.points) < 2 or not all(first[key] for key in ("x", "ours", "torch")):
        return ""
    times = {key: words.ratio(last[key] / first[key]) for key in ("x", "ours", "torch")}
    return (
        f"From {words.count(first['x'])} to {words.count(last['x'])}, {times['x']} times as many, "
        f"it takes {times['ours']} times as much here and {times['torch']} times in PyTorch."
    )


def _comparisons(row: Row) -> Iterator[Comparison]:
    about = (row["name"], row["about"])
    variant = f" ({row['torch_variant']})" if row["torch_variant"] else ""
    yield _ratio(row, "torch", f"PyTorch{variant}", row["target"], row["pairs"])
    if row["ratio_to_sklearn"] is not None:
        target, pairs = row["target_to_sklearn"], row["pairs_with_sklearn"]
        yield _ratio(row, "sklearn", "MLPClassifier", target, pairs)
    if row["share_of_sgemm"] is not None:
        share = row["share_of_sgemm"]
        yield Comparison(
            *about,
            "sgemm, the largest rate of this machine",
            words.percent(share, 0),
            "",
            words.percent(row["target_share"], 0),
            share >= row["target_share"],
            f"{row['flops_a_second'] / 1e9:.0f} Gflop/s",
            f"{max(row['sgemm'].values()) / 1e9:.0f} Gflop/s",
        )
    if row.get("target_seconds"):
        seconds, limit = statistics.median(ours for ours, _ in row["pairs"]), row["target_seconds"]
        took = words.brief(seconds)
        target, met = f"at most {limit:g} s", seconds <= limit
        yield Comparison(*about, "the clock", took, "", target, met, took, "")
    if row.get("target_accuracy"):
        ours, theirs = (
            words.percent(statistics.mean(row["accuracies"][who]), 2) for who in ("ours", "torch")
        )
        low, high = (f(row["accuracies"]["ours"]) for f in (min, max))
        yield Comparison(
            *about,
            f"test accuracy, mean of {words.plural(len(row['accuracies']['ours']), 'seed')}",
            ours,
            f"{words.percent(low, 2)}–{words.percent(high, 2)}",
            words.percent(row["target_accuracy"]),
            statistics.mean(row["accuracies"]["ours"]) >= row["target_accuracy"],
            ours,
            theirs,
        )


def _ratio(
    row: Row, whom: str, against: str, target: float, pairs: list[list[float]]
) -> Comparison:
    value = row[f"ratio_to_{whom}"]
    low, high = row[f"ratio_to_{whom}_quartiles"]
    ours, theirs = (_amount(row, statistics.median(column)) for column in zip(*pairs, strict=True))
    return Comparison(
        work=row["name"],
        about=row["about"],
        against=against,
        figure=words.ratio(value),
        spread=f"{words.ratio(low)}–{words.ratio(high)}",
        target=words.ratio(target),
        met=value >= target,
        ours=ours,
        theirs=theirs,
        ratio=value,
        quartiles=(low, high),
        wanted=target,
    )


def _amount(row: Row, value: float) -> str:
    """What one step, prediction or process takes."""
    if row["unit"] == "MB":
        return f"{words.count(value)} MB"
    return words.brief(value / row.get("times_a_block", 1))
