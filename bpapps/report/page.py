"""Results -> HTML: one file that opens from disk, with no network and no script.

Every section of the report is a template of its own, shown if Results has something for it.
Templates lay out; words.py phrases numbers, readings.py draws conclusions, plots.py draws.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bpapps.evaluation import (
    Results,
    Verification,
    VerifierScores,
)
from bpapps.report import (
    benchmark,
    benchmark_plots,
    plots,
    readings,
    rival_plots,
    verifier,
    verifier_plots,
    words,
)
from bpapps.report.files import load_all, load_benchmarks, writing_to
from bpapps.writing import write


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor and template, its heading, and when it is shown.

    The heading may depend on what there is to show.
    """

    name: str
    title: str | Callable[[Results], str]
    shown: Callable[[Results], Any]


VERIFIER_SECTIONS = (
    Section("rates", "Error rates at the fixed threshold", lambda r: _one(r).rates),
    Section(
        "apart",
        "Chosen afterwards: how far apart the scores lie",
        lambda r: _one(r).skilled or _one(r).random,
    ),
    Section("references", "With more references", lambda r: _scores(r).several),
    Section("writers", "Writer by writer, the worst first", lambda r: _one(r).owners),
    Section(
        "artefacts",
        lambda r: verifier.artefacts(_scores(r)),
        lambda r: _scores(r).traits or _scores(r).equal_strokes or _scores(r).cross,
    ),
    Section("hardest", "The hardest pairs", lambda r: verifier.hardest(_scores(r))),
    Section("spoilt", "Sensitivity to noise", lambda r: readings.silently_first(_scores(r).noise)),
)
"""Shown only where there is a verifier: ``shown`` is not asked otherwise."""

SECTIONS = (
    Section("made", "What was trained, on what, and how", lambda r: r.made or r.data or r.model),
    Section("scores", "Scores over several seeds", lambda r: r.scores),
    *VERIFIER_SECTIONS,
    Section("training", "Training curves", lambda r: r.training.get("history")),
    Section("classes", "Precision and recall by class", lambda r: r.per_class),
    Section(
        "groupings",
        "Groupings of the classes, and the first answers",
        lambda r: r.grouping_scores or r.top_k,
    ),
    Section("confusion", "Confusion matrix", lambda r: r.confusion),
    Section("pairs", "Most confused pairs", lambda r: r.confused_pairs),
    Section("groups", "Accuracy by group of the test pictures", lambda r: r.group_scores),
    Section(
        "calibration",
        "Calibration: can its confidence be believed?",
        lambda r: any(b.n for b in r.calibration.bins),
    ),
    Section("mistakes", "Its most confident mistakes", lambda r: r.mistakes),
    Section("noise", "Sensitivity to noise", lambda r: any(c.points for c in r.noise)),
    Section("rivals", "Side by side with other nets", lambda r: r.rivals),
    Section("lines", "Reading whole lines", lambda r: r.lines),
    Section(
        "dependence", "Dependence on the training data", lambda r: r.learning_curve or r.label_noise
    ),
    Section("speed", "Training time and speed", lambda r: r.training or r.speed),
    Section("reading", "How to read this report", lambda r: True),
)


def write_report(results: Results, folder: str | Path) -> Path:
    """Write ``index.html`` and ``results.json`` into ``folder``; return the path of the page.

    The folder is made if need be. Raises ValueError if it cannot be written to.
    """
    folder = Path(folder)
    text = render(results)
    with writing_to(folder):
        results.save(folder / "results.json")
        return write(folder / "index.html", text)


def write_benchmark(results: dict[str, Any], folder: str | Path) -> Path:
    """Write a benchmark's page and ``results.json`` into ``folder``; return the path of the page.

    Raises ValueError if the folder cannot be written to.
    """
    folder = Path(folder)
    text = render_benchmark(results)
    with writing_to(folder):
        write(folder / "results.json", json.dumps(results, allow_nan=False, indent=1) + "\n")
        return write(folder / "index.html", text)


def render_benchmark(results: dict[str, Any]) -> str:
    """The page of a benchmark as HTML."""
    comparisons = benchmark.comparisons(results)
    growth = [
        (series, benchmark_plots.growth(series), benchmark.growth_in_words(series))
        for series in benchmark.growth(results)
    ]
    return (
        _environment()
        .get_template("benchmark.html")
        .render(
            results=results,
            comparisons=comparisons,
            ratios=benchmark_plots.ratios(comparisons),
            growth=growth,
        )
    )


def write_index(folder: str | Path) -> Path:
    """Write ``index.html`` over all reports found as ``folder/*/results.json``; return its path.

    Raises ValueError if a results.json cannot be read or the folder cannot be written to.
    """
    folder = Path(folder)
    cards = [
        {"link": f"{quote(name)}/index.html", "results": results}
        for name, results in load_all(folder).items()
    ]
    benchmarks = [
        {"link": f"{quote(name)}/index.html", "results": results}
        for name, results in load_benchmarks(folder).items()
    ]
    explained = "explain/index.html" if (folder / "explain" / "index.html").is_file() else ""
    page = _environment().get_template("index.html")
    text = page.render(cards=cards, benchmarks=benchmarks, explained=explained)
    with writing_to(folder):
        return write(folder / "index.html", text)


def render(results: Results) -> str:
    """The whole page as HTML; the same Results give the same text."""
    left_out = () if results.verifier else VERIFIER_SECTIONS
    sections = [s for s in SECTIONS if s not in left_out and s.shown(results)]
    titles = {s.name: s.title if isinstance(s.title, str) else s.title(results) for s in sections}
    drawn = {s.name: DRAWN[s.name](results) for s in sections if s.name in DRAWN}
    page = _environment().get_template("report.html")
    return page.render(r=results, titles=titles, drawn=drawn)


def _scores(results: Results) -> VerifierScores:
    """What was measured of the verifier, in a section that is shown only where there is one."""
    assert results.verifier is not None
    return results.verifier


def _one(results: Results) -> Verification:
    """What was measured with one reference."""
    return _scores(results).one


def _draw_scores(results: Results) -> list[plots.Plot]:
    one = _one(results)
    return [verifier_plots.det(one), verifier_plots.histogram(one.histogram, bool(one.rates))]


def _draw_spoilt(results: Results) -> list[plots.Plot]:
    curves = readings.silently_first(_scores(results).noise)
    top = verifier_plots.noise_top(curves)
    return [verifier_plots.noise(curve, top) for curve in curves]


def _draw_traits(results: Results) -> plots.Plot | None:
    scores = _scores(results)
    return verifier_plots.traits(scores.traits, scores.one) if scores.traits else None


def _draw_noise(results: Results) -> list[plots.Plot]:
    curves = readings.weakest_first(results.noise)
    bottom = plots.noise_bottom(curves)
    return [plots.noise(curve, bottom) for curve in curves]


def _draw_rivals(results: Results) -> list[plots.Plot]:
    drawn = [rival_plots.noise(results.rivals)] if results.rivals[0].noise else []
    return drawn + ([rival_plots.memory(results.step_memory)] if results.step_memory else [])


def _draw_dependence(results: Results) -> dict[str, plots.Plot]:
    drawn = {}
    figure = verifier.accuracy(results) if results.verifier else "test accuracy"
    if results.learning_curve:
        drawn["learning"] = plots.learning_curve(results.learning_curve, figure)
    if results.label_noise:
        drawn["labels"] = plots.label_noise(results.label_noise, figure)
    return drawn


# What a section draws, by its name: one plot, or several.
DRAWN: dict[str, Callable[[Results], Any]] = {
    "training": lambda r: plots.training_curves(r.training["history"]),
    "classes": lambda r: plots.class_scores(r.per_class),
    "confusion": lambda r: plots.confusion(r.confusion, r.classes),
    "calibration": lambda r: plots.reliability(r.calibration),
    "noise": _draw_noise,
    "rivals": _draw_rivals,
    "speed": lambda r: plots.training_time(r.training.get("history") or []),
    "dependence": _draw_dependence,
    "apart": _draw_scores,
    "references": lambda r: verifier_plots.references(verifier.by_references(_scores(r))),
    "writers": lambda r: verifier_plots.writers(verifier.worst(_one(r))),
    "artefacts": _draw_traits,
    "spoilt": _draw_spoilt,
}


def _environment() -> Any:
    """Jinja with autoescape on, the package's templates, and words and readings at hand."""
    from jinja2 import Environment, PackageLoader
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("bpapps.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    style = resources.files("bpapps.report").joinpath("templates/style.css")
    environment.globals.update(
        style=Markup(style.read_text(encoding="utf-8")),
        words=words,
        readings=readings,
        benchmark=benchmark,
        verifier=verifier,
    )
    environment.filters.update(svg=lambda plot: Markup(plot.svg), picture=picture, link=link)
    return environment


def picture(uri: str) -> str:
    """The picture if it is a PNG held in the page itself, else nothing: a report loads no file."""
    return uri if re.fullmatch(r"data:image/png;base64,[A-Za-z0-9+/=]+", uri or "") else ""


def link(text: Any) -> str:
    """The text if it is a web address that may be followed, else nothing."""
    return str(text) if re.fullmatch(r"https?://\S+", str(text)) else ""
