"""How far a training has come: whether it still gains, and when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.core.plan import Epoch, Plan

LOWEST_RATE = 1e-6
"""A rate is not reduced any more on a plateau when it is as low as this."""


class DivergenceError(ValueError):
    """The loss is no longer a finite number; the message says what to try."""


@dataclass
class Progress:
    """What changes from epoch to epoch besides the weights; a checkpoint holds it."""

    epoch: int = 0
    step: int = 0
    best_value: float = -np.inf
    stale: int = 0
    rate_factor: float = 1.0
    stop: str = ""
    history: list[dict] = field(default_factory=list)

    def goes_on(self, plan: Plan) -> bool:
        """Whether there is another epoch to come."""
        return not self.stop and self.epoch < plan.max_epochs

    def records(self) -> Iterator[Epoch]:
        """The records of the epochs that were made."""
        return (Epoch(**record) for record in self.history)

    def record(self, **figures: Any) -> Epoch:
        """The record of the epoch that was made last, which is kept.

        figures: the fields of :class:`Epoch` but ``epoch``, ``steps`` and ``stop``.
        """
        record = Epoch(epoch=self.epoch, steps=self.step, stop=self.stop, **figures)
        self.history.append(asdict(record))
        return record

    def rate(self, plan: Plan, total_steps: int) -> float:
        """The learning rate of the step to come."""
        return plan.learning_rate * self.rate_factor * plan.schedule(self.step, total_steps)

    def watch(self, plan: Plan, value: float) -> bool:
        """Count an epoch that came to this figure, larger is better; whether it is the best.

        After too many epochs that gain too little it reduces the rate, or says why to stop.
        """
        self.epoch += 1
        is_best = value > self.best_value
        enough = value > self.best_value + plan.tol
        self.stale = 0 if enough else self.stale + 1
        if is_best:
            self.best_value = value
        if plan.patience is not None and self.stale > plan.patience:
            self._out_of_patience(plan)
        return is_best

    def _out_of_patience(self, plan: Plan) -> None:
        if plan.reduce_on_plateau and plan.learning_rate * self.rate_factor > LOWEST_RATE:
            self.rate_factor /= 5
            self.stale = 0
        else:
            watched = "validation" if plan.early_stopping else "training loss"
            self.stop = f"no gain in {watched} of {plan.tol:g} for {plan.patience} epochs"

    def deny_divergence(self, plan: Plan, *values: float | NDArray | None) -> None:
        """DivergenceError where a value that there is, or one in an array, is not finite."""
        for value in values:
            if value is None:
                continue
            finite = isfinite(value) if isinstance(value, float) else np.isfinite(value).all()
            if not finite:
                raise DivergenceError(self._what_to_try(plan))

    def _what_to_try(self, plan: Plan) -> str:
        clip = "" if plan.max_norm else ", max_norm=1 to clip the gradient"
        return (
            f"training diverged in epoch {self.epoch + 1}, step {self.step + 1}: the loss is "
            f"no longer a finite number; try a learning rate below {plan.learning_rate:g}{clip}, "
            f"or inputs scaled to about 1"
        )


def watched(plan: Plan, loss: float, validation_loss: float | None, score: float | None) -> float:
    """The figure of an epoch, larger is better, by which epochs are compared."""
    if not plan.early_stopping or validation_loss is None:
        return -loss
    return -validation_loss if score is None else score
