"""The gradient check passes what is right and catches what is a little wrong."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from bpapps.core import (
    Chain,
    Dense,
    Dropout,
    Huber,
    Params,
    SoftmaxCrossEntropy,
    Tanh,
    check_layer,
    check_loss,
    check_network,
)

OFF = 1.001


@dataclass(frozen=True)
class Wrong:
    """A layer whose backward pass is spoilt in one place."""

    place: str
    inner: Any = Dense(3)  # noqa: RUF009 - a frozen layer

    def init(self, in_shape: tuple, rng: np.random.Generator) -> tuple:
        return self.inner.init(in_shape, rng)

    def __call__(self, p: Params, x: np.ndarray, rng: Any = None) -> tuple[np.ndarray, Any]:
        y, right = self.inner(p, x, rng)

        def back(dy: np.ndarray, grad: Any = None, need_dx: bool = True) -> np.ndarray:
            dx = right(dy, grad)
            if grad is not None and self.place == "W":
                grad.W *= OFF
            if grad is not None and self.place == "b":
                grad.b += 1e-3
            return dx * OFF if self.place == "dx" else dx

        return y, back


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("place", ["W", "b", "dx"])
def test_a_wrong_layer_is_caught(place: str, training: bool) -> None:
    assert check_layer(Wrong("nowhere"), (4,), training=training) < 1e-6
    assert check_layer(Wrong(place), (4,), training=training) > 1e-5
    inside = Chain(Dense(4), Tanh(), Wrong(place), Tanh())
    assert check_layer(inside, (4,), training=training) > 1e-5


def test_a_mask_that_is_not_the_forward_one_is_caught_in_training_only() -> None:
    @dataclass(frozen=True)
    class Forgetful(Dropout):
        def __call__(self, p: Params, x: np.ndarray, rng: Any = None) -> tuple[np.ndarray, Any]:
            y, _ = super().__call__(p, x, rng)
            return y, lambda dy, grad=None, need_dx=True: dy

    assert check_layer(Forgetful(0.5), (6,)) < 1e-6
    assert check_layer(Forgetful(0.5), (6,), training=True) > 1e-2


@dataclass(frozen=True)
class WrongLoss:
    """A loss whose gradient is a little too long."""

    right: Any
    factor: float

    def __call__(
        self, logits: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None
    ) -> tuple[float, np.ndarray]:
        value, dlogits = self.right(logits, targets, weights)
        return value, dlogits * self.factor

    def predict(self, logits: np.ndarray) -> np.ndarray:
        return self.right.predict(logits)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), Huber()], ids=str)
def test_a_wrong_loss_is_caught(loss: Any) -> None:
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(5, 3)), rng.dirichlet(np.ones(3), 5)
    assert check_loss(WrongLoss(loss, 1.0), logits, targets) < 1e-6
    assert check_loss(WrongLoss(loss, OFF), logits, targets) == pytest.approx(1e-3, rel=0.01)


@pytest.mark.parametrize("training", [False, True])
def test_a_wrong_network_is_caught(training: bool) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(8, 4)), rng.integers(3, size=8)
    loss = SoftmaxCrossEntropy(0.1)

    def error(place: str) -> float:
        network = Chain(Dense(5), Tanh(), Dropout(0.2), Wrong(place))
        return check_network(network, loss, X, y, training=training)

    assert error("nowhere") < 1e-6
    assert error("W") > 1e-5
    assert error("dx") > 1e-5
    right = Chain(Dense(5), Tanh(), Dense(3))
    assert check_network(right, WrongLoss(loss, OFF), X, y) == pytest.approx(1e-3, rel=0.01)
