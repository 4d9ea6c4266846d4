"""Time the suite against PyTorch and scikit-learn, in pairs, and write a report.

    python scripts/benchmark.py [--quick] [--only "MLP 784-800-10"]

Contestants work in turns, A B A B …, each in a process of its own, over blocks of the same steps
from the same weights; a ratio is the other's time over ours, of each pair. PyTorch is taken in
the variant that is fastest here. ``benchmarking/`` has the works and the contestants.

``reports/benchmark/`` gets the page and ``results.json``, written again after each work, so that
a run that is cut off has lost nothing; ``--only`` puts new rows in place of old ones.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
from benchmarking.contest import Contest, Row, measure_work
from benchmarking.processes import (
    GROWTH,
    MEMORY,
    WHOLE_PROCESS,
    measure_growth,
    measure_memory,
    measure_process,
)
from benchmarking.workers import WorkError
from benchmarking.works import WORKS
from tqdm import tqdm

from bpapps.made import made
from bpapps.report import load_benchmark, write_benchmark

REPORT = Path("reports/benchmark")
PINNED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Settings that would hold BLAS to the kernels of another processor than this one."""

BUSY = 0.5
"""A load above which others disturb: threads that wait for each other lose most by it."""


@dataclass
class Record:
    """``results.json`` and the page, as they grow."""

    folder: Path
    results: dict[str, Any]
    began: float
    whole: bool

    @classmethod
    def begin(cls, contest: Contest, folder: Path, names: Sequence[str]) -> Record:
        """A new record, or with ``names`` the old one, for some of its rows to be put anew."""
        about = made(contest.command, 0, 0.0) | contest.ours.ask("environment")
        about["versions"] |= {"torch": contest.torch.ask("torch_versions")["torch"]}
        about |= {"quick": contest.quick, "load": _load()}
        results = {"kind": "benchmark", "made": about, "works": [], "growth": {}}
        path = folder / "results.json"
        if names and path.exists():
            old = load_benchmark(path)
            for key in ("machine", "versions"):
                if old["made"].get(key) != about[key]:
                    raise click.UsageError(
                        f"{path} was made with other {key}: leave --only out, or give --out"
                    )
            results |= {key: old[key] for key in ("made", "works", "growth")}
        return cls(folder, results, time.perf_counter(), not names)

    def put(self, row: Row, contest: Contest) -> None:
        """Put a row in place of the one of its name, or in its place among the others."""
        date = made("", 0, 0)["date"]
        row |= {"command": contest.command, "quick": contest.quick, "date": date}
        rows = [old for old in self.results["works"] if old["name"] != row["name"]]
        order = [*BY_NAME]
        self.results["works"] = sorted([*rows, row], key=lambda r: order.index(r["name"]))
        self.write()

    def write(self) -> None:
        """Write both files."""
        if self.whole:
            self.results["made"]["seconds"] = time.perf_counter() - self.began
        write_benchmark(self.results, self.folder)


BY_NAME: dict[str, Callable[[Contest], Row | None]] = {
    **{work.name: partial(measure_work, work=work) for work in WORKS},
    WHOLE_PROCESS: measure_process,
    MEMORY: measure_memory,
}


# ------------------------------------------------------------------ the command


@click.command()
@click.option("--only", "names", multiple=True, type=click.Choice([*BY_NAME, GROWTH]),
              help="Do this alone, in the results that are there; may be repeated.")  # fmt: skip
@click.option("--quick", is_flag=True, help="A rough result, in three minutes.")
@click.option("--pairs", type=click.IntRange(1), help="Pairs of each work.")
@click.option("--no-compile", is_flag=True, help="Leave torch.compile out, which takes long.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where data sets lie.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=REPORT,
              show_default=True, help="Folder of the report.")  # fmt: skip
def main(
    names: tuple[str, ...],
    quick: bool,
    pairs: int | None,
    no_compile: bool,
    data_dir: Path | None,
    out: Path,
) -> None:
    """Time the suite against PyTorch and scikit-learn."""
    if importlib.util.find_spec("torch") is None:
        raise click.ClickException(
            "PyTorch is not installed: pip install 'bpapps[bench]', or here pip install -e "
            "'.[bench]'"
        )
    if _load() > BUSY:
        told = f"warning: the machine is busy (load {_load():.1f}), its figures mean little"
        click.echo(told, err=True)
    command = shlex.join(["python", "scripts/benchmark.py", *sys.argv[1:]])
    with _contest(quick, pairs, not no_compile, data_dir, command) as contest:
        try:
            _measure(contest, out, names)
        except (WorkError, ValueError) as error:
            raise click.ClickException(str(error)) from None
    click.echo(f"wrote {out / 'index.html'}")


def _load() -> float:
    """How many processes have wanted a processor in the last minute, where that is told."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


@contextmanager
def _contest(*settings: Any) -> Iterator[Contest]:
    """A contest whose workers end with it, and see none of what would pin BLAS."""
    for name in PINNED:
        os.environ.pop(name, None)
    with contextlib.closing(Contest(*settings)) as contest:
        yield contest


def _measure(contest: Contest, folder: Path, names: Sequence[str]) -> None:
    record = Record.begin(contest, folder, names)
    chosen = names or [*BY_NAME, GROWTH]
    bar = tqdm(chosen, desc="benchmark", unit="work", disable=None)
    for name in bar:
        bar.set_postfix_str(name)
        if name == GROWTH:
            for series, points in measure_growth(contest):
                record.results["growth"][series] = points
                record.write()
                bar.set_postfix_str(f"growth with {series}")
        elif (row := BY_NAME[name](contest)) is not None:
            record.put(row, contest)
            tqdm.write(_in_short(row), file=sys.stdout)
    record.write()
    if folder == REPORT:
        from scores import index  # which imports what PyTorch's absence would disturb

        index()


def _in_short(row: Row) -> str:
    text = f"{row['name']}: {row['ratio_to_torch']:.2f} to PyTorch"
    if row["ratio_to_sklearn"] is not None:
        text += f", {row['ratio_to_sklearn']:.2f} to MLPClassifier"
    if row["share_of_sgemm"] is not None:
        text += f", {100 * row['share_of_sgemm']:.0f}% of sgemm"
    return text


if __name__ == "__main__":
    main()
