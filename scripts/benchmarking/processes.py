"""Works that are measured by whole processes, and how time and memory grow."""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from benchmarking.contest import Contest, Pairs, Row, in_turns, make, new_row, warm_up
from benchmarking.works import EPOCH, MLP, Block, Net, Variant, Work
from bpapps.data import named

WHOLE_PROCESS, MEMORY, GROWTH = "whole process", "memory", "growth"
PROGRAM = Path(__file__).parents[1] / "mnist_in_seconds.py"


def measure_process(contest: Contest) -> Row | None:
    """Start, load MNIST, train to 99%, exit: as whole processes; None where data are missing."""
    if not PROGRAM.exists() or not named.is_here("mnist", contest.data_dir):
        missing = "MNIST" if PROGRAM.exists() else PROGRAM.name
        click.echo(f"{WHOLE_PROCESS}: left out, {missing} is not here", err=True)
        return None
    accuracies: dict[str, list[float]] = {"ours": [], "torch": []}
    seeds = {"ours": iter(range(99)), "torch": iter(range(99))}

    def run(who: str) -> float:
        flag = ["--torch"] if who == "torch" else []
        seconds, accuracy = run_process(contest, ["--seed", str(next(seeds[who])), *flag])
        accuracies[who].append(accuracy)
        return seconds

    count = contest.pairs or (1 if contest.quick else 10)
    pairs = in_turns(count, partial(run, "ours"), partial(run, "torch"))
    row = new_row(WHOLE_PROCESS, "start, load MNIST, train to 99.0%, exit", "s", 1.0, pairs)
    return row | {
        "each": "process",
        "target_seconds": 5.0,
        "target_accuracy": 0.99,
        "accuracies": accuracies,
        "data": "MNIST",
    }


def run_process(contest: Contest, options: Sequence[str]) -> tuple[float, float]:
    """Wall time of the program, and the accuracy that it prints as JSON on its last line."""
    place = {"BPAPPS_DATA": str(contest.data_dir)} if contest.data_dir else {}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *options],
        env={**os.environ, **place}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    try:
        return seconds, float(json.loads(done.stdout.splitlines()[-1])["accuracy"])
    except (ValueError, KeyError, IndexError, TypeError):
        told = (done.stderr.strip().splitlines() or ["it prints no accuracy"])[-1]
        raise click.ClickException(f"{PROGRAM.name} {shlex.join(options)}: {told}") from None


def measure_memory(contest: Contest) -> Row:
    """Peak memory of fresh processes that train on as many pictures as MNIST has."""
    count = contest.pairs or (1 if contest.quick else 3)
    pairs = memory_pairs(contest, EPOCH, count)
    about = f"peak of a process that trains the {MLP.name} on {EPOCH:,} pictures"
    row = new_row(MEMORY, about, "MB", 1.0, pairs)
    return row | {"each": "process", "torch_variant": "fused", "data": "random pictures"}


def memory_pairs(contest: Contest, n: int, count: int) -> Pairs:
    """Megabytes of ours and of PyTorch's."""

    def peak(who: str) -> float:
        worker = contest.start()
        try:
            return worker.ask("peak", who, n)
        finally:
            worker.close()

    return in_turns(count, partial(peak, "ours"), partial(peak, "torch"))


def measure_growth(contest: Contest) -> Iterator[tuple[str, list[Row]]]:
    """How the time of an epoch grows with samples, width, batch size and threads; and memory."""
    part = 2_560 if contest.quick else 12_800
    cores = os.cpu_count() or 1

    def points(values: Sequence[int], few: Sequence[int], point: Any) -> list[Row]:
        chosen = few if contest.quick else values
        return [{"x": x, **point(x)} for x in chosen]

    def epoch(work: Work = MLP, rows: int = part, threads: int | None = None) -> Row:
        return time_of_epoch(contest, work, Block(rows, 1), threads)

    yield (
        "samples",
        points(
            (5_000, 10_000, 20_000, 40_000, 60_000),
            (5_000, 20_000),
            lambda n: time_of_epoch(contest, MLP, Block(n, 1), None, scaled=False),
        ),
    )
    yield (
        "width",
        points(
            (64, 128, 256, 512, 1024, 2048),
            (64, 256, 1024),
            lambda units: epoch(replace(MLP, net=Net((units,)))),
        ),
    )
    yield (
        "batch_size",
        points(
            (16, 32, 64, 128, 256, 512, 1024),
            (16, 128, 1024),
            lambda size: epoch(replace(MLP, batch_size=size)),
        ),
    )
    threads = sorted({1, 2, cores} - ({2} if cores < 2 else set()))
    yield "threads", points(threads, threads, lambda count: epoch(threads=count))
    yield (
        "memory",
        points((10_000, 20_000, 40_000, 60_000), (10_000, 40_000), partial(_memory_point, contest)),
    )


def time_of_epoch(
    contest: Contest, work: Work, block: Block, threads: int | None, scaled: bool = True
) -> Row:
    """Seconds that an epoch takes each; ``scaled`` from the block to as many as MNIST has."""
    make(contest.ours, "ours", contest, work, block, threads)
    make(contest.torch, "torch", contest, work, block, threads, Variant(fused=True))
    warm_up(contest.ours, contest.torch)
    count = 1 if contest.quick else 3
    ask = [partial(worker.ask, "time") for worker in (contest.ours, contest.torch)]
    pairs = in_turns(count, *ask)
    factor = EPOCH / block.rows if scaled else 1.0
    return _medians([[factor * seconds for seconds in pair] for pair in pairs])


def _memory_point(contest: Contest, n: int) -> Row:
    return _medians(memory_pairs(contest, n, 1))


def _medians(pairs: Pairs) -> Row:
    ours, theirs = zip(*pairs, strict=True)
    return {"ours": statistics.median(ours), "torch": statistics.median(theirs)}
