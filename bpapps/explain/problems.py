"""What the small nets learn: XOR, two spirals, or digits of 8×8 pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpapps.core import Loss, SigmoidCrossEntropy, SoftmaxCrossEntropy


@dataclass(frozen=True)
class Problem:
    """Data, and a net and a training that suit them.

    Args:
        title: what is asked, in a few words.
        inputs: the name of each input, or none where they are a picture's pixels.
        classes: the name of each class; two share one output.
        X, y: what is trained on, all of it at each iteration.
        unseen: X and y that are not trained on, or None.
        shown: rows of X that the explanation follows, by their name.
        hidden: neurons of each hidden layer.
        recurrent_hidden: neurons of the layer that settles, in the recurrent net, whose training
            has ``recurrent_iterations``.
    """

    title: str
    inputs: tuple[str, ...]
    classes: tuple[str, ...]
    X: NDArray
    y: NDArray
    shown: dict[str, int]
    hidden: tuple[int, ...]
    recurrent_hidden: int
    learning_rate: float
    iterations: int
    recurrent_iterations: int
    unseen: tuple[NDArray, NDArray] | None = None

    @property
    def outputs(self) -> int:
        """How many outputs the net has: one for two classes."""
        return 1 if len(self.classes) == 2 else len(self.classes)

    @property
    def loss(self) -> Loss:
        """Cross-entropy, whose slope at the last sum is actual minus desired."""
        return SigmoidCrossEntropy() if self.outputs == 1 else SoftmaxCrossEntropy()

    def right(self, logits: NDArray, y: NDArray) -> int:
        """How many answers are right."""
        answers = logits[:, 0] > 0 if self.outputs == 1 else logits.argmax(axis=1)
        return int((answers == y).sum())


def xor() -> Problem:
    """Exclusive or: the smallest problem that no net without a hidden layer can solve."""
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return Problem(
        title="XOR: is exactly one of two inputs on?",
        inputs=("x₁", "x₂"),
        classes=("off", "on"),
        X=X,
        y=np.array([0, 1, 1, 0]),
        shown={f"{a:.0f}, {b:.0f}": row for row, (a, b) in enumerate(X)},
        hidden=(3,),
        recurrent_hidden=3,
        learning_rate=0.5,
        iterations=600,
        recurrent_iterations=600,
    )


def spirals(points: int = 60, turns: float = 1.0) -> Problem:
    """Two spirals, one inside the other (Lang & Witbrock 1988): which arm is a point on?"""
    radius = np.linspace(0.08, 1, points)
    angle = 2 * np.pi * turns * radius
    arm = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    shaken = np.random.default_rng(0).normal(0, 0.01, (2 * points, 2))
    places = [points // 5, points // 2, (3 * points) // 4, points - 1]
    return Problem(
        title="Two spirals: which arm is a point on?",
        inputs=("x₁", "x₂"),
        classes=("arm A", "arm B"),
        X=np.round(np.concatenate([arm, -arm]) + shaken, 3),
        y=np.repeat([0, 1], points),
        shown={
            f"{name}, point {place + 1}": place + first
            for name, first in (("arm A", 0), ("arm B", points))
            for place in places
        },
        hidden=(16, 16),
        recurrent_hidden=16,
        learning_rate=0.5,
        iterations=2000,
        recurrent_iterations=1000,
    )


def digits() -> Problem:
    """scikit-learn's digits: the first half to train on, the second unseen, not shuffled."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    X, y = bunch.data / 16, bunch.target
    half = len(X) // 2
    return Problem(
        title="Handwritten digits of 8×8 pixels: which one is it?",
        inputs=(),
        classes=tuple(map(str, range(10))),
        X=X[:half],
        y=y[:half],
        shown={f"a {label}": int(np.flatnonzero(y == label)[0]) for label in range(10)},
        hidden=(16,),
        recurrent_hidden=16,
        learning_rate=0.5,
        iterations=600,
        recurrent_iterations=200,
        unseen=(X[half:], y[half:]),
    )


PROBLEMS: dict[str, Callable[[], Problem]] = {
    problem.__name__: problem for problem in (xor, spirals, digits)
}
"""By their name on the command line."""
