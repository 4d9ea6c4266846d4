"""L-BFGS in the training loop."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from core.trainings import NETWORK, WIDE, bits, blobs, pictures, plan_of

from bpapps.core import (
    SGD,
    Dense,
    DivergenceError,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    SquaredError,
    evaluate,
    initial_params,
    train,
)
from bpapps.core.full_batch import train_lbfgs

CONVEX = [
    (SoftmaxCrossEntropy(), blobs()),
    (SigmoidCrossEntropy(), (blobs()[0], np.eye(3)[blobs()[1]])),
    (SquaredError(), (blobs()[0], np.eye(3)[blobs()[1]])),
]


@pytest.mark.parametrize(("loss", "data"), CONVEX, ids=[str(row[0]) for row in CONVEX])
@pytest.mark.parametrize("weighted", [False, True])
def test_lbfgs_ends_where_the_gradient_is_nothing(loss: Any, data: Any, weighted: bool) -> None:
    network, (X, y) = Dense(3), data
    params = initial_params(network, (4,), dtype=np.float64)
    weights = np.random.default_rng(0).random(90) if weighted else None
    plan = plan_of(loss=loss, alpha=2.0, max_epochs=200, tol=1e-7)
    epochs = train_lbfgs(network, params, X, y, plan, weights=weights)
    assert [e.epoch for e in epochs] == list(range(1, len(epochs) + 1))
    losses = [e.loss for e in epochs]
    assert losses == sorted(losses, reverse=True)
    assert epochs[-1].stop == "L-BFGS converged"
    grown = 90.0 if weights is None else float(weights.sum())
    value, _ = evaluate(network, params, X, y, loss, weights)
    assert losses[-1] == pytest.approx(value + 1.0 / grown * float((params.W**2).sum()), rel=1e-9)
    descent = replace(plan, optimizer=SGD(), learning_rate=1.0, batch_size=90, max_epochs=1)
    moved = params.copy()
    list(train(network, moved, X, y, descent, weights=weights))
    np.testing.assert_allclose(moved.vector, params.vector, atol=1e-5)


def test_lbfgs_gives_the_same_bits_on_any_number_of_threads() -> None:
    vectors = []
    for threads in (1, 2, 4):
        params = initial_params(WIDE, (64,))
        plan = plan_of(microbatch=32, max_epochs=4, alpha=0.1)
        train_lbfgs(WIDE, params, *pictures(), plan, threads=threads)
        vectors.append(bits(params.vector))
    assert vectors[0] == vectors[1] == vectors[2]


def test_lbfgs_diverges_with_a_clear_error() -> None:
    X, y = blobs()
    X[0, 0] = np.nan
    with pytest.raises(DivergenceError, match="inputs scaled"):
        train_lbfgs(NETWORK, initial_params(NETWORK, (4,)), X, y, plan_of())
