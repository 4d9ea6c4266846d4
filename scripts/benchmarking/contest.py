"""A work done in turns by ours and theirs, in blocks of the same steps, and the row it gives."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarking.workers import Worker, WorkError
from benchmarking.works import EPOCH, Block, Work, variants
from bpapps.data import named

REST = 0.06
"""Seconds between blocks: BLAS's and OpenMP's threads go on spinning for a while after work."""

TOLERANCE = 0.02
"""Losses after the same steps may differ by this share; rounding alone takes a part of it."""

Row = dict[str, Any]
Pairs = list[list[float]]


@dataclass
class Contest:
    """The workers, started when they are first needed, and how thoroughly they are measured.

    ``pairs`` of each work; None: 11, or 15 where a work is noisy, and 7 when quick.
    """

    quick: bool = False
    pairs: int | None = None
    compiled: bool = True
    data_dir: Path | None = None
    command: str = ""
    _started: list[Worker] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long a block of ours is to take."""
        return 0.06 if self.quick else 0.3

    def pairs_of(self, noisy: bool = False) -> int:
        """How many pairs to measure."""
        return self.pairs or (7 if self.quick else 15 if noisy else 11)

    def start(self) -> Worker:
        """One more worker."""
        self._started.append(Worker())
        return self._started[-1]

    @cached_property
    def ours(self) -> Worker:
        """Where this suite works."""
        return self.start()

    @cached_property
    def torch(self) -> Worker:
        """Where PyTorch works."""
        return self.start()

    @cached_property
    def sklearn(self) -> Worker:
        """Where scikit-learn works."""
        return self.start()

    def close(self) -> None:
        """End all workers."""
        for worker in self._started:
            worker.close()


def in_turns(
    pairs: int,
    ours: Callable[[], float],
    theirs: Callable[[], float],
    also: Callable[[], Any] | None = None,
) -> Pairs:
    """So many pairs of figures, ours first, one contestant working at a time.

    ``also`` is called after each pair.
    """
    found = []
    for _ in range(pairs):
        pair = [_rested(ours), _rested(theirs)]
        found.append(pair)
        if also is not None:
            also()
    return found


def _rested(measure: Callable[[], float]) -> float:
    time.sleep(REST)
    return measure()


def measure_work(contest: Contest, work: Work) -> Row:
    """The row of a work that is done in blocks."""
    block = fitting_block(contest, work)
    trials = try_variants(contest, work, block)
    variant = min((n for n, t in trials.items() if isinstance(t, float)), key=trials.__getitem__)
    make(contest.ours, "ours", contest, work, block)
    make(contest.torch, "torch", contest, work, block, way=variants(work)[variant])
    warm_up(contest.ours, contest.torch)
    sgemm: list[dict[str, float]] = []
    pairs = in_turns(
        contest.pairs_of(work.noisy),
        partial(contest.ours.ask, "time"),
        partial(contest.torch.ask, "time"),
        (lambda: sgemm.append(contest.ours.ask("sgemm"))) if work.target_share else None,
    )
    row = new_row(work.name, work.about, "s", work.target, pairs)
    row |= {
        "each": "prediction" if work.predicted else "step",
        "times_a_block": times_a_block(work, block),
        "torch_variant": variant,
        "torch_trials": trials,
        "losses": {"ours": contest.ours.ask("loss"), "torch": contest.torch.ask("loss")},
        "data": data_of(work, contest.data_dir),
    }
    if work.target_share:
        row |= against_sgemm(work, block, pairs, sgemm)
    if work.target_to_sklearn:
        row |= against_sklearn(contest, work, block, row["losses"])
    if work.predicted:  # without ``forward``, which cuts into microbatches
        row["network_call_seconds"] = median_of(contest, work, block, "network call")
    theirs = statistics.median(other for _, other in pairs) / times_a_block(work, block)
    row["ratio_to_torch_plain"] = theirs / median_of(contest, work, block, "plain")
    check_losses(row)
    return row


def against_sgemm(
    work: Work, block: Block, pairs: Pairs, sgemm: Sequence[dict[str, float]]
) -> dict[str, Any]:
    """The fields of a row that compare with sgemm, measured after each pair, by shape."""
    flops = work.net.flops * block.rows * block.passes
    rates = [flops / ours for ours, _ in pairs]
    shares = [rate / max(found.values()) for rate, found in zip(rates, sgemm, strict=True)]
    return {
        "share_of_sgemm": statistics.median(shares),
        "target_share": work.target_share,
        "flops_a_second": statistics.median(rates),
        "sgemm": {shape: max(found[shape] for found in sgemm) for shape in sgemm[0]},
    }


def fitting_block(contest: Contest, work: Work) -> Block:
    """A block of whole batches that takes ours about as long as is wanted."""
    if work.predicted:
        some = Block(work.predicted, max(1, 1_000 // work.predicted))
        each = trial(contest, work, some) / some.passes
        return replace(some, passes=max(1, round(contest.seconds / each)))
    available = (1_792 if work.net.side == 8 else EPOCH) // work.batch_size
    few = min(16, available)
    each = trial(contest, work, Block(few * work.batch_size, 1)) / few
    steps = max(4, round(contest.seconds / each))
    return Block(min(steps, available) * work.batch_size, max(1, round(steps / available)))


def trial(contest: Contest, work: Work, block: Block) -> float:
    """How long a block of ours takes, the first runs left aside."""
    make(contest.ours, "ours", contest, work, block)
    return min(contest.ours.ask("time") for _ in range(3))


def make(
    worker: Worker,
    who: str,
    contest: Contest,
    work: Work,
    block: Block,
    threads: int | None = None,
    way: Any = None,
) -> None:
    """Have a worker make a contestant."""
    worker.ask("make", who, work, block, contest.data_dir, threads, way)


def try_variants(contest: Contest, work: Work, block: Block) -> dict[str, float | str]:
    """Seconds a block of each way to use PyTorch, after one to warm up, or why it failed."""
    found: dict[str, float | str] = {}
    for name, variant in variants(work).items():
        if variant.compiled and not contest.compiled:
            continue
        try:
            make(contest.torch, "torch", contest, work, block, way=variant)
            contest.torch.ask("time")
            found[name] = min(contest.torch.ask("time") for _ in range(2))
        except WorkError as error:
            if name == "eager":
                raise
            found[name] = f"failed: {error}"
    return found


def warm_up(*workers: Worker) -> None:
    """One block each that does not count."""
    for worker in workers:
        worker.ask("time")


def times_a_block(work: Work, block: Block) -> int:
    """How many steps, or predictions, a block has."""
    return block.passes if work.predicted else block.passes * (block.rows // work.batch_size)


def median_of(contest: Contest, work: Work, block: Block, way: str) -> float:
    """Seconds of a step or prediction of ours in another way: by the network alone, or plain
    NumPy without Numba.
    """
    make(contest.ours, "ours", contest, work, block, way=way)
    warm_up(contest.ours)
    seconds = statistics.median(_rested(partial(contest.ours.ask, "time")) for _ in range(5))
    return seconds / times_a_block(work, block)


def against_sklearn(
    contest: Contest, work: Work, block: Block, losses: dict[str, float]
) -> dict[str, Any]:
    """The fields of a row that compare our estimator with ``MLPClassifier``."""
    make(contest.ours, "estimator", contest, work, block)
    make(contest.sklearn, "sklearn", contest, work, block)
    warm_up(contest.ours, contest.sklearn)
    pairs = in_turns(
        contest.pairs_of(work.noisy),
        partial(contest.ours.ask, "time"),
        partial(contest.sklearn.ask, "time"),
    )
    losses |= {"estimator": contest.ours.ask("loss"), "sklearn": contest.sklearn.ask("loss")}
    return {
        "target_to_sklearn": work.target_to_sklearn,
        **ratio_fields("sklearn", pairs),
        "pairs_with_sklearn": pairs,
    }


def check_losses(row: Row) -> None:
    """The contestants have done the same work if they have come to the same losses."""
    losses = row["losses"]
    for ours, theirs in (("ours", "torch"), ("estimator", "sklearn")):
        a, b = losses.get(ours), losses.get(theirs)
        if a is not None and not abs(a - b) <= TOLERANCE * max(a, b):
            raise click.ClickException(
                f"{row['name']}: not the same work: after the same steps the loss is {a:.4g} "
                f"here and {b:.4g} in {theirs}"
            )


def data_of(work: Work, data_dir: Path | None) -> str:
    """What a work was done on."""
    if work.net.side == 8:
        return "scikit-learn's digits"
    return "MNIST" if named.is_here("mnist", data_dir) else "random pictures"


def new_row(name: str, about: str, unit: str, target: float, pairs: Pairs) -> Row:
    """A row against PyTorch; what does not apply to it is null."""
    return {
        "name": name,
        "about": about,
        "unit": unit,
        "target": target,
        **ratio_fields("torch", pairs),
        "torch_variant": None,
        "target_to_sklearn": None,
        "ratio_to_sklearn": None,
        "ratio_to_sklearn_quartiles": None,
        "pairs": pairs,
        "pairs_with_sklearn": None,
        "share_of_sgemm": None,
        "target_share": None,
        "losses": None,
    }


def ratio_fields(whom: str, pairs: Pairs) -> dict[str, Any]:
    """Median and quartiles of the ratios of pairs, theirs over ours."""
    ratios = [theirs / ours for ours, theirs in pairs]
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75]).tolist()
    return {f"ratio_to_{whom}": middle, f"ratio_to_{whom}_quartiles": [low, high]}
