"""Learning-rate schedules: what share of the peak rate a step gets.

``schedule(step, total)`` for step 0 … total − 1 gives a factor, usually in [0, 1], that the
training loop multiplies with the learning rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi

Schedule = Callable[[int, int], float]


@dataclass(frozen=True)
class Constant:
    """The same rate throughout."""

    def __call__(self, step: int, total: int) -> float:
        """1."""
        return 1.0


@dataclass(frozen=True)
class Step:
    """Multiplied by ``factor`` after each of ``drops`` evenly spaced parts of the training."""

    factor: float = 0.1
    drops: int = 2

    def __call__(self, step: int, total: int) -> float:
        """factor to the number of parts that are over."""
        return self.factor ** (step * (self.drops + 1) // max(total, 1))


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from 1 down to ``floor`` (Loshchilov & Hutter 2017)."""

    floor: float = 0.0

    def __call__(self, step: int, total: int) -> float:
        """A factor between 1 and the floor."""
        return self.floor + (1 - self.floor) * 0.5 * (1 + cos(pi * step / max(total, 1)))


@dataclass(frozen=True)
class Warmup:
    """Rises evenly over a share of the training, then runs another schedule on the rest."""

    then: Schedule
    share: float = 0.1

    def __call__(self, step: int, total: int) -> float:
        """The rise, or what the other schedule says."""
        rise = round(self.share * total)
        if step < rise:
            return (step + 1) / (rise + 1)
        return self.then(step - rise, total - rise)


@dataclass(frozen=True)
class OneCycle:
    """Up from ``start`` to 1 over a share of the training, then down to nothing, both by cosine
    (Smith & Topin 2018).
    """

    share: float = 0.15
    start: float = 0.04

    def __call__(self, step: int, total: int) -> float:
        """A factor in (0, 1]."""
        rise = round(self.share * total)
        if step < rise:
            return 1 - (1 - self.start) * 0.5 * (1 + cos(pi * step / rise))
        return 0.5 * (1 + cos(pi * (step - rise) / max(total - rise, 1)))


@dataclass(frozen=True)
class InverseScaling:
    """1 / (step + 1)^power: scikit-learn's ``"invscaling"``."""

    power: float = 0.5

    def __call__(self, step: int, total: int) -> float:
        """A factor in (0, 1]."""
        return 1.0 / (step + 1) ** self.power


SCHEDULES: dict[str, Schedule] = {
    "constant": Constant(),
    "step": Step(),
    "cosine": Cosine(),
    "warmup": Warmup(Constant()),
    "warmup-cosine": Warmup(Cosine()),
    "one-cycle": OneCycle(),
}
"""By the name that the estimators take."""
