"""What a training is told, the plan, and what it tells, a record an epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bpapps.core.draws import Draw
from bpapps.core.losses import Loss
from bpapps.core.optimizers import Optimizer
from bpapps.core.schedules import Constant, Schedule


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
    ``seconds`` are what this epoch took; ``stop`` says why it was the last one, or is empty.

    Of fixed points solved for while training, forward and backward (None and 0 where the network
    has none): the mean of the iterations, the largest relative residual that was left, at most
    1e30, and how many solves did not converge, where each layer solves once for each sample.
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
