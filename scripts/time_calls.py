"""Time what a person waits for: single calls of the shipped models, whole calls in Python.

    python scripts/time_calls.py [--rounds 21] [--json]

A call is made anew so many rounds; the median and the fastest are shown beside what is aimed at.
The pictures are made by the project, so that nothing need be fetched. The times are of this
machine, as it is busy now: for two versions of the code, run them in turns.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import click
import numpy as np
from scores import errors_in_a_line
from tqdm import tqdm

from bpapps import models
from bpapps.core.malloc import keep_freed_memory
from bpapps.pictures import noise
from bpapps.tasks.characters import trial
from bpapps.tasks.characters.lines import read_line
from bpapps.tasks.digits.data import load_data
from bpapps.tasks.signatures.synthesis import signatures

PICTURES, SEVERITY = 2000, 6


@dataclass(frozen=True)
class Timed:
    """A call, how many milliseconds it took, and how many it may; None: nothing was asked."""

    call: str
    median: float
    fastest: float
    at_most: float | None

    @property
    def told(self) -> str:
        """The verdict on the median."""
        if self.at_most is None:
            return ""
        return f"at most {self.at_most:g} ms {'met' if self.median <= self.at_most else 'missed'}"


@dataclass(frozen=True)
class Call:
    """What is called; ``prepare`` gives a function of no arguments, and is not timed."""

    name: str
    prepare: Callable[[], Callable[[], object]]
    at_most: float | None = None

    def timed(self, rounds: int) -> Timed:
        """The times of so many calls, after a first one that is not counted."""
        run = self.prepare()
        run()
        seconds = []
        for _ in range(rounds):
            start = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - start)
        median, fastest = 1000 * statistics.median(seconds), 1000 * min(seconds)
        return Timed(self.name, median, fastest, self.at_most)


def _digit() -> Callable[[], object]:
    reader = models.find("digits").pipeline
    picture = load_data("digits").test.pictures[:1]
    return lambda: reader.predict(picture)


def _character() -> Callable[[], object]:
    reader = models.find("characters").pipeline
    picture = trial.samples(1, 0, lambda rng: "K")[0].picture
    return lambda: reader.predict([picture])


def _line() -> Callable[[], object]:
    reader = models.find("characters").pipeline
    picture = trial.samples(1, 0)[0].picture
    return lambda: read_line(picture, reader)


def _comparison() -> Callable[[], object]:
    verifier = models.find("signatures").pipeline
    pair = _signatures(2)

    def compare() -> object:
        rows = verifier[0].transform(pair)
        return verifier[1].score_samples(rows[:1], rows[1:])

    return compare


def _preprocessing() -> Callable[[], object]:
    step = models.find("signatures").pipeline[0]
    picture = _signatures(1)
    return lambda: step.transform(picture)


def _sweep() -> Callable[[], object]:
    """One corruption after the other, at its worst."""
    pictures = np.random.default_rng(0).random((PICTURES, 28, 28), dtype=np.float32)
    return lambda: [
        corruption(pictures, SEVERITY, np.random.default_rng(0))
        for corruption in noise.CORRUPTIONS.values()
    ]


def _signatures(count: int) -> list[np.ndarray]:
    made = signatures(1, count, 0, 0).images
    return [picture.astype(np.float32) / np.float32(255) for picture in made]


CALLS = (
    Call("a digit read", _digit),
    Call("a character read", _character, 2.0),
    Call("a line of print read", _line),
    Call("two signatures compared", _comparison, 10.0),
    Call("a signature made ready for the net", _preprocessing, 6.0),
    Call(
        f"{PICTURES:,} pictures of 28×28 spoilt in each of {len(noise.CORRUPTIONS)} ways",
        _sweep,
        300.0 * len(noise.CORRUPTIONS),
    ),
)


@click.command()
@click.option(
    "--rounds", type=click.IntRange(1), default=21, show_default=True, help="Calls to time of each."
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def main(rounds: int, as_json: bool) -> None:
    """Time single calls on this machine."""
    keep_freed_memory()
    with errors_in_a_line():
        rows = [call.timed(rounds) for call in tqdm(CALLS, disable=None)]
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=1))
        return
    width = max(len(row.call) for row in rows)
    click.echo(f"{'':<{width}}{'median':>12}{'fastest':>12}")
    for row in rows:
        times = f"{row.median:>9.2f} ms{row.fastest:>9.2f} ms"
        click.echo(f"{row.call:<{width}}{times}  {row.told}".rstrip())


if __name__ == "__main__":
    main()
