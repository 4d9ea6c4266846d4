"""The one training loop: a generator that makes an epoch, yields its record, and goes on.

    for epoch in train(network, params, X, y, Plan(loss=SoftmaxCrossEntropy(), optimizer=Adam())):
        print(epoch.loss)

``params`` is trained in place. All that is random follows from the plan's seed and the step's
number, so a training that was killed resumes from its checkpoint and ends at the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpapps.core import ops
from bpapps.core.checkpoints import Checkpoint
from bpapps.core.layers import Layer
from bpapps.core.losses import Loss
from bpapps.core.optimizers import State
from bpapps.core.parallel import BatchGradient, Update, forward
from bpapps.core.params import Params
from bpapps.core.plan import Epoch, Plan
from bpapps.core.progress import Progress, watched
from bpapps.core.solvers import Tally, recording
from bpapps.core.threads import cut, quiet, team

Data = tuple[NDArray, NDArray, NDArray | None]
"""Inputs, targets, and weights where there are any."""

Score = Callable[[NDArray, NDArray, NDArray | None], float]


def train(
    network: Layer,
    params: Params,
    X: NDArray,
    y: NDArray,
    plan: Plan,
    *,
    weights: NDArray | None = None,
    validation: Data | None = None,
    score: Score | None = None,
    state: State | None = None,
    checkpoint: Path | None = None,
    threads: int = 1,
) -> Generator[Epoch, None, None]:
    """Train ``params`` in place; yields a record an epoch, a resumed run's former ones first.

    Args:
        X: inputs, shape (n, *in_shape), of the type of ``params``.
        y: targets, n of them, of any shape: as the loss takes them, or ``plan.draw`` does.
        weights: per sample of an epoch; the loss of a batch is their weighted mean.
        validation: (X, y, weights or None) to measure after each epoch.
        score: ``score(logits, y, weights)``, larger is better, of the validation data.
        state: what the optimiser remembers, to go on from and to be changed; empty at first.
        checkpoint: file to resume from where it exists, and to write while training.

    An epoch in which fixed points were not found ends with a ``NotConvergedWarning``.

    Raises:
        DivergenceError: the loss became infinite or not a number.
        ValueError: the checkpoint is damaged, or of another training.
    """
    data = (X, y, weights)
    _deny_unfit(plan, weights, validation)
    _load_quick_ops(plan, X, params)
    gradient_of = BatchGradient(network, params, plan.loss, plan.microbatch, plan.draw, plan.seed)
    update = Update(plan.optimizer, params, {} if state is None else state)
    best = params.vector.copy()
    arrays = _arrays(params.vector, best, update.state)
    file = Checkpoint(checkpoint, arrays, network, params, plan, *data, *validation or ())
    progress = file.resume()
    yield from progress.records()
    try:
        while progress.goes_on(plan):
            start = time.perf_counter()
            loss, rate = _one_pass(gradient_of, update, data, plan, progress, threads)
            held_out = _validate(network, params, validation, plan, score, threads)
            progress.deny_divergence(plan, held_out.loss, params.vector)
            if is_best := progress.watch(plan, watched(plan, loss, held_out.loss, held_out.score)):
                best[...] = params.vector
            record = progress.record(
                loss=loss, validation_loss=held_out.loss, validation_score=held_out.score,
                learning_rate=rate, seconds=time.perf_counter() - start, best=is_best,
                **gradient_of.solves(),
            )  # fmt: skip
            file.write_when_due(progress)
            gradient_of.warn(f"epoch {record.epoch}", held_out.unsolved)
            yield record
    finally:  # also when the caller ends it early
        if plan.early_stopping and progress.epoch:
            params.vector[...] = best


def _one_pass(
    gradient_of: BatchGradient,
    update: Update,
    data: Data,
    plan: Plan,
    progress: Progress,
    threads: int,
) -> tuple[float, float]:
    """One pass over the data: the mean loss and the last learning rate."""
    X, _, weights = data
    order = _order(plan, plan.samples(X), progress.epoch)
    batches = cut(len(order), plan.batch_size)
    total_steps = plan.max_epochs * len(batches)
    total, seen, rate = 0.0, 0.0, 0.0
    gradient_of.restart_tallies()
    with team(min(threads, -(-plan.batch_size // plan.microbatch))) as members:
        for batch in batches:
            rows = order[batch]
            mass = len(rows) if weights is None else float(weights[rows].sum())
            if mass == 0:
                continue
            value, gradients = gradient_of(members, *data, rows, progress.step)
            progress.deny_divergence(plan, value)
            rate = progress.rate(plan, total_steps)
            value += update(members, gradients, rate, plan.alpha / mass, plan.max_norm)
            progress.step += 1
            total += value * mass
            seen += mass
    return total / seen, rate


def _order(plan: Plan, n: int, epoch: int) -> NDArray[np.intp]:
    """The samples' numbers in the order that an epoch takes them."""
    if not plan.shuffle:
        return np.arange(n)
    return np.random.default_rng([plan.seed, 0, epoch]).permutation(n)


class _HeldOut(NamedTuple):
    """What an epoch came to on validation data; ``unsolved`` tells of fixed points not found."""

    loss: float | None = None
    score: float | None = None
    unsolved: str = ""


def _validate(
    network: Layer,
    params: Params,
    validation: Data | None,
    plan: Plan,
    score: Score | None,
    threads: int,
) -> _HeldOut:
    if validation is None:
        return _HeldOut()
    X, y, weights = validation
    with recording() as heard:
        loss, logits = evaluate(network, params, X, y, plan.loss, weights, plan.microbatch, threads)
        value = None if score is None else float(score(logits, y, weights))
    solves = Tally()
    solves.add(heard.forward)
    return _HeldOut(loss, value, solves.told("in validation"))


def evaluate(
    network: Layer,
    params: Params,
    X: NDArray,
    y: NDArray,
    loss: Loss,
    weights: NDArray | None = None,
    microbatch: int = 128,
    threads: int = 1,
) -> tuple[float, NDArray]:
    """Mean loss over the data, weighted, and the logits."""
    logits = forward(network, params, X, microbatch, threads)
    with quiet():
        value, _ = loss(logits, y, None if weights is None else weights / weights.sum())
    return value, logits


def _deny_unfit(plan: Plan, weights: NDArray | None, validation: Data | None) -> None:
    if plan.early_stopping and validation is None:
        raise ValueError("early_stopping needs validation data")
    if weights is not None and not (weights.min() >= 0 and weights.any()):
        raise ValueError("weights must not be negative, nor all zero")


def _load_quick_ops(plan: Plan, X: NDArray, params: Params) -> None:
    """Have the quicker forms of the inner loops, where the training is long."""
    steps = plan.max_epochs * -(-plan.samples(X) // plan.batch_size)
    if steps * params.size >= ops.WORTH_LOADING:
        ops.load()


def _arrays(vector: NDArray, best: NDArray, state: State) -> dict[str, NDArray]:
    """What a checkpoint holds."""
    remembered = {f"state.{name}": array for name, array in state.items()}
    return {"params": vector, "best": best, **remembered}
