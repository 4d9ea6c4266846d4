"""What the training scripts share: a figure over seeds or folds, and the file that keeps it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from bpapps import kinds, runs
from bpapps.core.malloc import keep_freed_memory
from bpapps.report import results_in, write_index, write_report
from bpapps.results import Results, Score
from bpapps.writing import write

REPORTS = Path("reports")

Rows = list[tuple[str, Score]]
"""Figures, each with the name of the report's folder that it belongs to."""

Protocol = Callable[[Path | None, str], Rows]
"""``protocol(data_dir, command)`` trains and tests; the command is what its figures are made by."""


def command_for(script: str, known: Mapping[str, Protocol]) -> click.Command:
    """The command line of a script: the names of protocols, whose figures are kept and told."""

    @click.command(help="Train and test on PROTOCOLS.")
    @click.argument("protocols", nargs=-1, required=True, type=click.Choice(list(known)))
    @click.option("--data-dir", type=click.Path(path_type=Path), help="Where data sets lie.")
    def main(protocols: tuple[str, ...], data_dir: Path | None) -> None:
        keep_freed_memory()
        for name in protocols:
            with errors_in_a_line():
                for folder, row in known[name](data_dir, f"python scripts/{script} {name}"):
                    keep(folder, row)
                    click.echo(in_words(row))

    return main


@contextmanager
def errors_in_a_line() -> Iterator[None]:
    """Bad input, such as data that are not here, is told in a line on stderr; exit code 1."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise click.ClickException(" ".join(str(error).split())) from None


def score(
    name: str,
    protocol: str,
    values: list[float],
    target: float | None,
    references: Mapping[str, float],
    command: str,
    at_most: bool = False,
) -> Score:
    """A row of shares in [0, 1]: their mean and spread, what was asked for, what others had.

    at_most: they are error rates, and lower is better.
    """
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    reference = ", ".join(f"{who} {100 * value:.1f}" for who, value in references.items())
    mean = statistics.mean(values)
    return Score(name, protocol, mean, spread, values, target, reference, command, at_most)


def in_words(row: Score) -> str:
    """A row in a line for the terminal, in percent."""
    values = " ".join(f"{100 * value:.2f}" for value in row.values)
    return f"{row.name}: {100 * row.mean:.2f} ± {100 * row.spread:.2f} ({values})"


def keep(folder: str, row: Score) -> None:
    """Put a row in place of the one of the same name, in the report too if there is one."""
    path = REPORTS / folder / "scores.json"
    rows = [other for other in runs.scores_in(path.parent) if other.name != row.name]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(each) for each in [*rows, row]], indent=1)
    write(path, text + "\n")
    if (path.parent / "results.json").exists():
        report(kinds.load_results(path.parent / "results.json"), folder)


def report(results: Results, folder: str) -> None:
    """Write the report of a folder with the scores that are kept there, and the index."""
    results.scores = runs.scores_in(REPORTS / folder)
    write_report(results, kinds.get(results.kind).sections, REPORTS / folder)
    index()


def index() -> None:
    """Write the index of all reports anew."""
    write_index(REPORTS, evaluations())


def evaluations() -> dict[str, Results]:
    """What the reports hold, by the names of their folders."""
    return {path.parent.name: kinds.load_results(path) for path in results_in(REPORTS)}
