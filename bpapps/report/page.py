"""Results -> HTML: one file that opens from disk, with no network and no script.

Every section of the report is a template of its own, shown if Results has something for it; the
sections are handed in by the kind of recognition. Templates lay out; words.py phrases numbers,
readings.py draws conclusions, plots.py draws.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bpapps.report import benchmark, benchmark_plots, readings, words
from bpapps.report.files import load_benchmarks, writing_to
from bpapps.report.sections import Section
from bpapps.results import Results
from bpapps.writing import write

READING = "How to read this report"


def write_report(results: Results, sections: Sequence[Section], folder: str | Path) -> Path:
    """Write ``index.html`` and ``results.json`` into ``folder``; return the path of the page.

    The folder is made if need be. Raises ValueError if it cannot be written to.
    """
    folder = Path(folder)
    text = render(results, sections)
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


def write_index(folder: str | Path, reports: Mapping[str, Results]) -> Path:
    """Write ``index.html`` over the reports in a folder, by the names of theirs; return its path.

    Benchmarks in ``folder/*/results.json`` have their card too. Raises ValueError if one cannot be
    read or the folder cannot be written to.
    """
    folder = Path(folder)
    cards = [
        {"link": f"{quote(name)}/index.html", "results": results}
        for name, results in reports.items()
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


def render(results: Results, sections: Sequence[Section]) -> str:
    """The whole page as HTML; the same Results give the same text."""
    shown = [section for section in sections if section.shown(results)]
    titles = {section.name: section.heading(results) for section in shown}
    terms = {term: told for section in shown for term, told in section.terms.items()}
    page = _environment({section.package for section in shown}).get_template("report.html")
    return page.render(
        r=results, sections=shown, titles={**titles, "reading": READING}, terms=terms
    )


def _environment(packages: Collection[str] = ()) -> Any:
    """Jinja with autoescape on, the templates of packages, and words and readings at hand."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader
    from markupsafe import Markup

    others = {package: PackageLoader(package) for package in packages if package}
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("bpapps.report"), PrefixLoader(others)]),
        autoescape=True, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    style = resources.files("bpapps.report").joinpath("templates/style.css")
    environment.globals.update(
        style=Markup(style.read_text(encoding="utf-8")),
        words=words,
        readings=readings,
        benchmark=benchmark,
    )
    environment.filters.update(svg=lambda plot: Markup(plot.svg), picture=picture, link=link)
    return environment


def picture(uri: str) -> str:
    """The picture if it is a PNG held in the page itself, else nothing: a report loads no file."""
    return uri if re.fullmatch(r"data:image/png;base64,[A-Za-z0-9+/=]+", uri or "") else ""


def link(text: Any) -> str:
    """The text if it is a web address that may be followed, else nothing."""
    return str(text) if re.fullmatch(r"https?://\S+", str(text)) else ""
