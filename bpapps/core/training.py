"""The one training loop: a generator that makes an epoch, yields its record, and goes on.

    for epoch in train(network, params, X, y, Plan(loss=SoftmaxCrossEntropy(), optimizer=Adam())):
        print(epoch.loss)

``params`` is trained in place. All that is random follows from the plan's seed and the step's
number, so a training that was killed resumes from its checkpoint and ends at the same bits.
"""

from __future__ import annotations

import re
import time
import warnings
import zlib
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.core import ops
from bpapps.core.draws import Draw, take
from bpapps.core.layers import Layer
from bpapps.core.losses import Loss
from bpapps.core.optimizers import Optimizer, lbfgs
from bpapps.core.parallel import BatchGradient, Update, forward, penalize
from bpapps.core.params import Params
from bpapps.core.schedules import Constant, Schedule
from bpapps.core.solvers import Tally, not_converged, recording
from bpapps.core.storage import read_tensors, write_tensors
from bpapps.core.threads import cut, quiet, team

CHECKPOINT_SECONDS = 5.0
"""A checkpoint is written after an epoch when the last one is at least this old."""


PARTS_AT_ONCE = 16
"""Microbatches between which L-BFGS adds up: each needs memory for a gradient of its own."""


class DivergenceError(ValueError):
    """The loss is no longer a finite number; the message says what to try."""


@dataclass(frozen=True)
class Plan:
    """How to train.

    Args:
        learning_rate: the peak, of which ``schedule(step, total_steps)`` takes a share.
        alpha: strength of the L2 penalty ``alpha / (2 n) Σ W²`` over the weights, not the biases,
            with n the samples of a batch: scikit-learn's.
        max_norm: the gradient is scaled down to this norm where it is longer; None: never.
        draw: ``draw(X, y, rows, rng) -> x, y`` makes a microbatch, see
            :data:`bpapps.core.draws.Draw`; None takes the rows of X and y as they are.
        draws: samples an epoch, whose numbers 0 … draws - 1 are what ``draw`` takes for rows;
            None: one for each row of X.
        microbatch: samples worked on at a time by a thread.
        early_stopping: watch the validation score (its loss where there is no score), and
            restore the weights of the best epoch; else watch the training loss.
        patience: stop after more than this many epochs without ``tol`` of improvement; None: never.
        reduce_on_plateau: divide the rate by 5 instead of stopping, down to 1e-6.
    """

    loss: Loss
    optimizer: Optimizer
    learning_rate: float = 1e-3
    schedule: Schedule = field(default_factory=Constant)
    batch_size: int = 128
    max_epochs: int = 10
    alpha: float = 0.0
    max_norm: float | None = None
    shuffle: bool = True
    seed: int = 0
    draw: Draw | None = None
    draws: int | None = None
    microbatch: int = 128
    early_stopping: bool = False
    patience: int | None = None
    tol: float = 1e-4
    reduce_on_plateau: bool = False

    def samples(self, X: Any) -> int:
        """Samples an epoch, of data X."""
        return X.shape[0] if self.draws is None else self.draws


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to.

    ``loss`` is the mean over its batches while they were trained on, penalty included;
    ``seconds`` are those of this epoch; ``stop`` says why it was the last one, or is empty.

    Of fixed points solved for while training, forward and backward (None and 0 where the network
    has none): the mean of the iterations, the largest relative residual that was left, at most
    1e30, and how many did not converge, of as many as there were samples and layers.
    """

    epoch: int
    steps: int
    loss: float
    validation_loss: float | None
    validation_score: float | None
    learning_rate: float
    seconds: float
    best: bool
    stop: str = ""
    forward_iterations: float | None = None
    forward_residual: float | None = None
    forward_unconverged: int = 0
    backward_iterations: float | None = None
    backward_residual: float | None = None
    backward_unconverged: int = 0


@dataclass
class _Progress:
    """What changes from epoch to epoch besides the weights; a checkpoint holds it."""

    epoch: int = 0
    step: int = 0
    best_value: float = -np.inf
    stale: int = 0
    rate_factor: float = 1.0
    stop: str = ""
    history: list[dict] = field(default_factory=list)


Score = Callable[[NDArray, NDArray, NDArray | None], float]


def train(
    network: Layer,
    params: Params,
    X: NDArray,
    y: NDArray,
    plan: Plan,
    *,
    weights: NDArray | None = None,
    validation: tuple[NDArray, NDArray, NDArray | None] | None = None,
    score: Score | None = None,
    state: dict[str, NDArray] | None = None,
    checkpoint: Path | None = None,
    threads: int = 1,
) -> Generator[Epoch, None, None]:
    """Train ``params`` in place; yields a record an epoch, those of a resumed run first.

    Args:
        X: inputs, shape (n, *in_shape), of the type of ``params``.
        y: targets as the loss takes them, n of them, of any shape. With ``plan.draw`` it is what
            that makes of X and y that must fit the network and the loss.
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
    if plan.early_stopping and validation is None:
        raise ValueError("early_stopping needs validation data")
    gradient_of = BatchGradient(network, params, plan.loss, plan.microbatch, plan.draw, plan.seed)
    state = {} if state is None else state
    state.update(plan.optimizer.init(params.vector) | state)
    steps = plan.max_epochs * -(-plan.samples(X) // plan.batch_size)
    if steps * params.size >= ops.WORTH_LOADING:
        ops.load()
    update = Update(plan.optimizer, params, state)
    best = params.vector.copy()
    progress = _Progress()
    if weights is not None and not (weights.min() >= 0 and weights.any()):
        raise ValueError("weights must not be negative, nor all zero")
    fingerprint = ""
    if checkpoint is not None:
        fingerprint = _fingerprint(network, params, plan, X, y, weights, *(validation or ()))
    if checkpoint is not None and checkpoint.exists():
        progress = _resume(checkpoint, fingerprint, params, state, best)
        yield from (Epoch(**record) for record in progress.history)
    written = time.monotonic() - CHECKPOINT_SECONDS
    try:
        while not progress.stop and progress.epoch < plan.max_epochs:
            start = time.perf_counter()
            gradient_of.restart_tallies()
            loss, rate = _run_epoch(gradient_of, update, X, y, weights, plan, progress, threads)
            validation_loss = validation_score = None
            validated = Tally()
            if validation is not None:
                with recording() as heard:
                    validation_loss, validation_score = _validate(
                        network, params, validation, plan, score, threads
                    )
                validated.add(heard.forward)
            if not isfinite(validation_loss or 0.0) or not np.isfinite(params.vector).all():
                raise DivergenceError(_divergence(plan, progress))
            progress.epoch += 1
            watched = _watched(plan, loss, validation_loss, validation_score)
            is_best = _watch(progress, watched, plan)
            if is_best:
                best[...] = params.vector
            seconds = time.perf_counter() - start
            record = Epoch(
                progress.epoch, progress.step, loss, validation_loss, validation_score, rate,
                seconds, is_best, progress.stop, **_solves(gradient_of),
            )  # fmt: skip
            progress.history.append(asdict(record))
            if checkpoint is not None and time.monotonic() - written >= CHECKPOINT_SECONDS:
                _save(checkpoint, fingerprint, params, state, best, progress)
                written = time.monotonic()
            _warn(f"epoch {record.epoch}", gradient_of, validated.told("in validation"))
            yield record
    finally:  # also when the caller ends it early
        if plan.early_stopping and progress.epoch:
            params.vector[...] = best


def _solves(gradient_of: BatchGradient) -> dict[str, Any]:
    """What an epoch's record says of its fixed points."""
    return gradient_of.forward.fields("forward") | gradient_of.backward.fields("backward")


def _warn(place: str, gradient_of: BatchGradient, *further: str) -> None:
    """Say how many fixed points were not found, if any."""
    told = gradient_of.forward.told("forward"), gradient_of.backward.told("backward")
    warning = not_converged(place, *told, *further)
    if warning is not None:
        warnings.warn(warning, stacklevel=3)


def _run_epoch(
    gradient_of: BatchGradient,
    update: Update,
    X: NDArray,
    y: NDArray,
    weights: NDArray | None,
    plan: Plan,
    progress: _Progress,
    threads: int,
) -> tuple[float, float]:
    """One pass over the data: the mean loss and the last learning rate."""
    n = plan.samples(X)
    order = np.arange(n)
    if plan.shuffle:
        order = np.random.default_rng([plan.seed, 0, progress.epoch]).permutation(n)
    batches = cut(n, plan.batch_size)
    total_steps = plan.max_epochs * len(batches)
    total, seen, rate = 0.0, 0.0, 0.0
    with team(min(threads, -(-plan.batch_size // plan.microbatch))) as members:
        for batch in batches:
            rows = order[batch]
            mass = len(rows) if weights is None else float(weights[rows].sum())
            if mass == 0:
                continue
            value, gradients = gradient_of(members, X, y, weights, rows, progress.step)
            if not isfinite(value):
                raise DivergenceError(_divergence(plan, progress))
            rate = plan.learning_rate * progress.rate_factor
            rate *= plan.schedule(progress.step, total_steps)
            value += update(members, gradients, rate, plan.alpha / mass, plan.max_norm)
            progress.step += 1
            total += value * mass
            seen += mass
    return total / seen, rate


def train_lbfgs(
    network: Layer,
    params: Params,
    X: NDArray,
    y: NDArray,
    plan: Plan,
    *,
    weights: NDArray | None = None,
    max_fun: int = 15_000,
    threads: int = 1,
) -> list[Epoch]:
    """Train ``params`` in place by L-BFGS on the whole data at once; a record an iteration.

    Of the plan it uses the loss, ``alpha``, ``microbatch``, ``seed``, ``tol`` (of the gradient)
    and ``max_epochs`` (iterations).
    """
    gradient_of = BatchGradient(network, params, plan.loss, plan.microbatch, plan.draw, plan.seed)
    n = plan.samples(X)
    mass = n if weights is None else float(weights.sum())
    parts = [np.arange(n)[part] for part in cut(n, PARTS_AT_ONCE * plan.microbatch)]
    shares = [(len(p) if weights is None else float(weights[p].sum())) / mass for p in parts]
    epochs: list[Epoch] = []
    start = time.perf_counter()

    with team(min(threads, -(-n // plan.microbatch))) as members:

        def objective(vector: NDArray) -> tuple[float, NDArray]:
            params.vector[...] = vector
            value, gradient = 0.0, np.zeros_like(params.vector)
            for step, (rows, share) in enumerate(zip(parts, shares, strict=True)):
                if share:
                    part, gradients = gradient_of(members, X, y, weights, rows, step)
                    value += share * part
                    for one in gradients:
                        gradient += share * one
            value += penalize(params, gradient, plan.alpha / mass)
            if not isfinite(value):
                raise DivergenceError(_divergence(plan, _Progress(epoch=len(epochs))))
            return value, gradient

        def record(_: NDArray, value: float) -> None:
            count = len(epochs) + 1
            seconds = time.perf_counter() - start
            solves = _solves(gradient_of)
            epochs.append(Epoch(count, count, value, None, None, 1.0, seconds, True, **solves))

        value, _, converged = lbfgs(
            objective, params.vector, plan.max_epochs, max_fun, plan.tol, record
        )
    if not epochs:  # the start was already a minimum
        record(params.vector, value)
    _warn("L-BFGS", gradient_of)
    if converged:
        epochs[-1] = replace(epochs[-1], stop="L-BFGS converged")
    return epochs


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


def _validate(
    network: Layer,
    params: Params,
    validation: tuple[NDArray, NDArray, NDArray | None],
    plan: Plan,
    score: Score | None,
    threads: int,
) -> tuple[float, float | None]:
    X, y, weights = validation
    loss, logits = evaluate(network, params, X, y, plan.loss, weights, plan.microbatch, threads)
    return loss, None if score is None else float(score(logits, y, weights))


def _watched(plan: Plan, loss: float, validation_loss: float | None, score: float | None) -> float:
    """The figure, larger is better, by which epochs are compared."""
    if not plan.early_stopping or validation_loss is None:
        return -loss
    return -validation_loss if score is None else score


def _watch(progress: _Progress, value: float, plan: Plan) -> bool:
    """Whether this epoch is the best so far; counts those that bring too little, and stops."""
    is_best = value > progress.best_value
    enough = value > progress.best_value + plan.tol
    progress.stale = 0 if enough else progress.stale + 1
    if is_best:
        progress.best_value = value
    if plan.patience is None or progress.stale <= plan.patience:
        return is_best
    if plan.reduce_on_plateau and plan.learning_rate * progress.rate_factor > 1e-6:
        progress.rate_factor /= 5
        progress.stale = 0
    else:
        watched = "validation" if plan.early_stopping else "training loss"
        progress.stop = f"no gain in {watched} of {plan.tol:g} for {plan.patience} epochs"
    return is_best


def _divergence(plan: Plan, progress: _Progress) -> str:
    clip = "" if plan.max_norm else ", max_norm=1 to clip the gradient"
    return (
        f"training diverged in epoch {progress.epoch + 1}, step {progress.step + 1}: the loss is "
        f"no longer a finite number; try a learning rate below {plan.learning_rate:g}{clip}, or "
        f"inputs scaled to about 1"
    )


def _fingerprint(network: Layer, params: Params, plan: Plan, *data: NDArray | None) -> str:
    """Tells one training from another: the net, the plan, and a sample of the data."""
    checksum = 0
    for part in data:
        if part is not None:
            some = np.arange(0, part.shape[0], max(1, part.shape[0] // 256))
            checksum = zlib.crc32(take(part, some).tobytes(), checksum)
    shapes = [None if part is None else (part.shape, str(part.dtype)) for part in data]
    text = f"{network!r} {params.shapes} {params.vector.dtype} {plan!r} {shapes} {checksum}"
    return re.sub(r" at 0x[0-9a-f]+", "", text)  # a function's address differs by process


def _save(
    path: Path,
    fingerprint: str,
    params: Params,
    state: dict[str, NDArray],
    best: NDArray,
    progress: _Progress,
) -> None:
    tensors = {"params": params.vector, "best": best}
    tensors |= {f"state.{name}": array for name, array in state.items()}
    write_tensors(path, tensors, {"fingerprint": fingerprint, "progress": asdict(progress)})


def _resume(
    path: Path, fingerprint: str, params: Params, state: dict[str, NDArray], best: NDArray
) -> _Progress:
    tensors, metadata = read_tensors(path)
    if metadata.get("fingerprint") != fingerprint:
        raise ValueError(
            f"{path}: this checkpoint is of a training with another net, plan or data; "
            f"delete it to start anew"
        )
    params.vector[...] = tensors["params"]
    best[...] = tensors["best"]
    for name, array in state.items():
        array[...] = tensors[f"state.{name}"]
    return _Progress(**metadata["progress"])
