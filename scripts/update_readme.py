"""Write the tables of the README and of ``docs`` anew from what ``reports`` holds.

    python scripts/update_readme.py [--picture]

The README has a row for each of a few reports, and what misses its target; ``docs/results.md``
has all figures, and ``docs/benchmark.md`` the benchmark, which stays as it is where none was run.
With ``--picture`` the README's picture is taken too, of the report on digits, with Chromium.
"""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import click
from scipy import stats
from scores import errors_in_a_line, evaluations

from bpapps.measures.intervals import Interval
from bpapps.report import benchmark_table, results_table, words
from bpapps.report.benchmark import comparisons
from bpapps.report.files import load_benchmark
from bpapps.results import Results, Score
from bpapps.writing import write

README, DOCS, REPORTS = Path("README.md"), Path("docs"), Path("reports")
PICTURE = REPORTS / "digits" / "preview.png"
BENCHMARK = REPORTS / "benchmark" / "results.json"
HEADER = ("Task", "Data", "Figure, 95% interval", "Others reach", "Report")


class Shown(NamedTuple):
    """A row of the README: a report's folder, a score kept there, its measure, what n counts."""

    folder: str
    score: str
    measure: str
    of: str


SHOWN = (
    Shown("digits", "scikit-learn digits, halves", "accuracy", "pictures"),
    Shown("digits-mnist", "MNIST, cnn", "accuracy", "pictures"),
    Shown(
        "characters", "lines of print, characters right", "characters of lines right", "characters"
    ),
    Shown("characters-hand62", "hand62, 62 classes", "mean accuracy", "folds"),
    Shown("signatures-cedar", "CEDAR, EER skilled, 1 reference", "equal error rate", "writers"),
)


@click.command()
@click.option("--picture", is_flag=True, help="Also take the picture anew (needs Chromium).")
def main(picture: bool) -> None:
    """Bring the README and the tables of docs up to date with the reports."""
    with errors_in_a_line():
        reports = evaluations()
        _fill(README, "figures", _table(HEADER, [_row(shown, reports) for shown in SHOWN]))
        missed = "; ".join(_missed(reports.values()))
        _fill(README, "missed", f"Short of their targets: {missed}.")
        _fill(DOCS / "results.md", "results", results_table(reports.values()))
        if BENCHMARK.exists():
            _fill(DOCS / "benchmark.md", "benchmark", benchmark_table(BENCHMARK))
        if picture:
            _take_picture()


def _row(shown: Shown, reports: Mapping[str, Results]) -> tuple[str, ...]:
    if shown.folder not in reports:
        raise ValueError(f"{REPORTS / shown.folder / 'results.json'} is not here; correct SHOWN")
    results = reports[shown.folder]
    scores = {score.name: score for score in results.scores}
    if shown.score not in scores:
        raise ValueError(f"reports/{shown.folder} has no score {shown.score!r}; correct SHOWN")
    score = scores[shown.score]
    task, data = results.title.partition(":")[0], str(results.data["title"])
    measured = headline(results, shown.measure, score)
    counted = f"{words.ends(measured)}, {words.count(measured.n)} {shown.of}"
    figure = f"{shown.measure} {words.value(measured)} ({counted})"
    link = f"[{shown.folder}](reports/{shown.folder}/index.html)"
    return task, data, figure, score.reference, link


def headline(results: Results, measure: str, score: Score) -> Interval:
    """The figure of a report that the README shows; over folds, of the score's mean."""
    if measure == "mean accuracy":
        return _of_mean(score)
    if measure == "characters of lines right":
        wrong = _named(results, "lines: character error rate")
        return Interval(1 - wrong.value, 1 - wrong.high, 1 - wrong.low, wrong.n)
    if measure == "equal error rate":
        return _named(results, "EER, skilled forgeries, threshold chosen afterwards")
    return _named(results, measure)


def _named(results: Results, name: str) -> Interval:
    for figure in results.headline.figures:
        if figure.name == name:
            return figure.interval
    raise ValueError(f"the report on {results.title} has no figure {name!r}; correct headline()")


def _of_mean(score: Score) -> Interval:
    """Student's interval of a mean over folds, which are few."""
    n = len(score.values)
    reach = float(stats.t.ppf(0.975, n - 1)) * score.spread / math.sqrt(n)
    return Interval(score.mean, score.mean - reach, score.mean + reach, n)


def _missed(reports: Iterable[Results]) -> Iterator[str]:
    """Each target that is missed: what, what it came to, and the target."""
    for results in reports:
        for score in results.scores:
            target, _, verdict = words.target(score).rpartition(" ")
            if verdict == "missed":
                yield f"{score.name} {words.spread(score)} of {target}"
    for c in comparisons(load_benchmark(BENCHMARK)) if BENCHMARK.exists() else ():
        if not c.met:
            yield f"{c.work} against {c.against.partition(', the')[0]} {c.figure} of {c.target}"


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _fill(path: Path, name: str, content: str) -> None:
    """Put content between the marks of a block in a file."""
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    text = path.read_text(encoding="utf-8")
    write(path, marked.sub(lambda m: f"{m[1]}{content.rstrip()}\n\n{m[2]}", text))


def _take_picture() -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise click.ClickException("no Chromium here to take the picture with")
    page = (REPORTS / "digits" / "index.html").resolve().as_uri()
    with tempfile.TemporaryDirectory() as profile:
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        flags += [f"--user-data-dir={profile}", "--disable-background-networking", "--disable-sync"]
        size = ["--window-size=1100,1000", f"--screenshot={PICTURE}"]
        subprocess.run([browser, *flags, *size, page], check=True, capture_output=True)


if __name__ == "__main__":
    main()
