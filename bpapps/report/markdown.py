"""Results -> Markdown: a report for a terminal or a commit, and the tables of docs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bpapps.report import benchmark, readings, words
from bpapps.report.files import load_benchmark
from bpapps.report.sections import SCORES_HEADER, Row, Section, Table, score_row
from bpapps.results import Figure, Results

COMPARED = ("Work", "Against", "Figure", "Target", "Ours", "Theirs")


def to_markdown(results: Results, sections: Sequence[Section]) -> str:
    """The report's figures as Markdown tables, without its plots and pictures."""
    tables = [
        table for section in sections if section.shown(results) for table in section.tables(results)
    ]
    headline = results.headline
    parts = [
        f"# {_plain(results.title)}",
        f"**Read this first.** {_plain(headline.warning)}" if headline.warning else "",
        f"**{_plain(headline.label)}**" if headline.label else "",
        _plain(results.summary),
        _headline(results),
        *(part for table in tables for part in _section(table)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def results_table(reports: Iterable[Results]) -> str:
    """One Markdown table over reports, for ``docs/results.md``.

    Each report gives the figures of its headline, then its scores over several seeds.
    """
    rows: list[Row] = []
    for results in reports:
        about = (results.title, _data_beside_title(results), results.model.get("preset"))
        what = ", ".join(str(part) for part in about if part)
        command = words.Code(results.made.get("command") or "") or words.DASH
        rows.append((what, _figure(results), words.DASH, words.DASH, command))
        rows += [score_row(score) for score in results.scores]
    return _table(SCORES_HEADER, rows) + "\n"


def benchmark_table(path: str | Path) -> str:
    """A benchmark as one Markdown table, for ``docs``, below where and how it was measured.

    Raises ValueError if ``path`` does not hold the results of a benchmark.
    """
    results = load_benchmark(Path(path))
    made = results["made"]
    rows = [
        (
            f"{c.work}: {c.about}",
            c.against,
            f"{c.figure} ({c.spread})" if c.spread else c.figure,
            c.verdict,
            c.ours,
            c.theirs,
        )
        for c in benchmark.comparisons(results)
    ]
    machine = made.get("machine") or {}
    where = f"{machine.get('processor')}, {words.plural(machine.get('cores'), 'core')}"
    told = f"{_code(str(made.get('command') or ''))} on {_plain(where)}:"
    return f"{told}\n\n{_table(COMPARED, rows)}\n"


def _data_beside_title(results: Results) -> str:
    """The name of the data, unless the title tells it already."""
    name = str(results.data.get("title") or results.data.get("name") or "")
    return "" if name in results.title else name


def _headline(results: Results) -> str:
    score = results.headline.score
    notes = "; ".join(["95% interval", *results.headline.notes])
    first: Row = (words.capital(score.name), words.with_interval(score.interval), notes)
    return _table(("", "Figure", ""), [first, *readings.tiles(results)])


def _figure(results: Results) -> str:
    """The figures of a report in a table over many, with what must be said beside them."""
    headline = results.headline
    first, *others = headline.figures
    told = [words.with_interval(first.interval) if len(headline.figures) == 1 else _named(first)]
    told += [_named(figure) for figure in others]
    return ". ".join(filter(None, ["; ".join(told), headline.label, headline.warning]))


def _named(figure: Figure) -> str:
    return f"{figure.name} {words.with_interval(figure.interval)}"


def _section(table: Table) -> list[str]:
    """Heading, text and table; nothing where there are no rows."""
    if not table.rows:
        return []
    return [f"## {table.title}", _plain(table.text), _table(table.header, table.rows)]


def _table(header: Row, rows: Iterable[Row]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return _code(text) if isinstance(text, words.Code) else _plain(text)


def _plain(text: str) -> str:
    """Text on one line in which Markdown and HTML see nothing of their own."""
    for sign in "\\`*_|[]<":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def _code(text: str) -> str:
    """A command as code; a pipe is escaped all the same, as tables are cut before code is read."""
    text = " ".join(text.split()).replace("`", "'").replace("|", "\\|")
    return f"`{text}`" if text else words.DASH
