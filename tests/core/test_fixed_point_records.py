"""Trainings of nets that settle: honest records, the same bits, and files."""

import json
import warnings
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from core.settling import (
    clouds,
    normal,
    params_of,
    plan_of,
)

from bpapps.core import (
    SGD,
    Anderson,
    Bounded,
    Broyden,
    Chain,
    Conv2D,
    Damped,
    Dense,
    Dropout,
    Epoch,
    FixedPoint,
    Flatten,
    GroupNorm,
    NotConvergedWarning,
    Params,
    Plan,
    ReLU,
    Reshape,
    SoftmaxCrossEntropy,
    Tanh,
    checkpoints,
    load_network,
    recording,
    save_network,
    train,
)
from bpapps.core.full_batch import train_lbfgs


def net(**settings: Any) -> Chain:
    cell = Chain(Tanh(), Dropout(0.2), Bounded(Dense(8), 0.9))
    return Chain(FixedPoint(cell, Dense(8), **settings), Tanh(), Dense(3))


def fit(network: Chain, plan: Plan | None = None, **options: Any) -> tuple[Params, list[Epoch]]:
    p = params_of(network, (4,), np.float32)
    return p, list(train(network, p, *clouds(), plan or plan_of(), **options))


def test_an_epoch_tells_how_its_solves_went() -> None:
    _, epochs = fit(net(tol=1e-4, backward_tol=1e-2))
    for epoch in epochs:
        assert 1 < epoch.backward_iterations < epoch.forward_iterations < 30
        assert 0 < epoch.forward_residual <= 1e-4 < epoch.backward_residual <= 1e-2
        assert epoch.forward_unconverged == epoch.backward_unconverged == 0
        record = asdict(epoch)
        assert Epoch(**json.loads(json.dumps(record, allow_nan=False))) == epoch
        assert all(isinstance(v, int | float | str | None) for v in record.values())


def test_the_counts_are_those_of_the_samples() -> None:
    """Those of one large batch, done by hand: the mean over samples, not over microbatches."""
    X, y = clouds()
    network = net(gradient="implicit")
    p = params_of(network, (4,), np.float32)
    with recording() as record:
        logits, back = network(p, X, np.random.default_rng([0, 1, 0, 0]))
        back(SoftmaxCrossEntropy()(logits, y)[1])
    plan = plan_of(batch_size=120, microbatch=120, max_epochs=1, shuffle=False)
    epoch = fit(network, plan)[1][0]
    assert epoch.forward_iterations == record.forward[0].iterations.mean()
    assert epoch.backward_iterations == record.backward[0].iterations.mean()


def test_without_fixed_points_there_are_no_figures_of_them() -> None:
    p = params_of(Dense(3), (4,), np.float32)
    (epoch,) = train(Dense(3), p, *clouds(), plan_of(max_epochs=1))
    assert epoch.forward_iterations is epoch.backward_iterations is None
    assert epoch.forward_residual is epoch.backward_residual is None
    assert epoch.forward_unconverged == epoch.backward_unconverged == 0


def test_records_of_earlier_versions_are_read() -> None:
    old = {"epoch": 1, "steps": 2, "loss": 0.5, "validation_loss": None, "validation_score": None,
           "learning_rate": 0.1, "seconds": 1.0, "best": True, "stop": ""}  # fmt: skip
    assert Epoch(**old).forward_iterations is None


def test_not_converging_warns_once_an_epoch_with_its_count() -> None:
    network = net(max_iter=2, backward_max_iter=1, tol=1e-6)
    X, y = clouds(40)
    with pytest.warns(NotConvergedWarning) as caught:
        _, epochs = fit(network, validation=(X, y, None))
    assert len(caught) == len(epochs) == 3
    for number, (warning, epoch) in enumerate(zip(caught, epochs, strict=True), 1):
        message = str(warning.message)
        assert message.startswith(f"epoch {number}: ")
        assert "120 of 120 forward" in message
        assert "120 of 120 backward" in message
        assert "40 of 40 in validation" in message
        assert epoch.forward_unconverged == epoch.backward_unconverged == 120


def test_one_hard_sample_is_counted_as_one() -> None:
    X, y = clouds()
    X[7] = 1e4
    layer = FixedPoint(Chain(Dense(4, "glorot_uniform"), Tanh(), Dense(4)), Dense(4), Damped())
    p = params_of(layer, (4,), np.float64)
    with recording() as record:
        layer(p, X.astype(float))
    counted = int((~record.forward[0].converged).sum())
    network = Chain(layer, Dense(3))
    q = params_of(network, (4,), np.float64)
    plan = plan_of(batch_size=120, max_epochs=1, learning_rate=1e-12, shuffle=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)
        (epoch,) = train(network, q, X.astype(float), y, plan)
    assert epoch.forward_unconverged == counted


def test_lbfgs_tells_too() -> None:
    X, y = clouds()
    network = Chain(FixedPoint(Chain(Tanh(), Bounded(Dense(4))), Dense(4), max_iter=3), Dense(3))
    p = params_of(network, (4,), np.float64)
    plan = Plan(SoftmaxCrossEntropy(), SGD(), max_epochs=3)
    with pytest.warns(NotConvergedWarning, match="L-BFGS.* forward") as caught:
        epochs = train_lbfgs(network, p, X.astype(np.float64), y, plan)
    assert len(caught) == 1
    assert all(epoch.forward_iterations <= 3 for epoch in epochs)
    assert epochs[-1].loss < epochs[0].loss


@pytest.mark.parametrize("gradient", ["implicit", "phantom", "unrolled"])
def test_same_bits_on_any_number_of_threads(gradient: str) -> None:
    network = net(gradient=gradient, warm_start=True, jacobian_penalty=0.1, steps=12, tol=0.1)
    one, epochs = fit(network)
    two, epochs2 = fit(network, threads=2)
    assert one.vector.tobytes() == two.vector.tobytes()
    assert [replace(e, seconds=0.0) for e in epochs] == [replace(e, seconds=0.0) for e in epochs2]


@pytest.mark.parametrize("after", [1, 3])
def test_left_and_resumed_it_ends_at_the_same_bits(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    network, plan = net(warm_start=True, jacobian_penalty=0.1), plan_of(max_epochs=5)
    whole, epochs = fit(network, plan)
    p = params_of(network, (4,), np.float32)
    file = tmp_path / "checkpoint"
    list(islice(train(network, p, *clouds(), plan, checkpoint=file), after))
    again, resumed = fit(network, plan, checkpoint=file)
    assert again.vector.tobytes() == whole.vector.tobytes()
    assert [replace(e, seconds=0.0) for e in resumed] == [replace(e, seconds=0.0) for e in epochs]


NETWORKS = [
    (net(solver=Broyden(7), backward_solver=Damped(0.5), warm_start=True), (4,)),
    (Chain(Reshape((4, 4, 1)), FixedPoint(Chain(ReLU(), Conv2D(2, 3, padding=1), GroupNorm(1)),
     Conv2D(2, 3, padding=1), Anderson(3, 1e-6, 0.9)), Flatten(), Dense(2)), (16,)),
]  # fmt: skip


@pytest.mark.parametrize(("network", "in_shape"), NETWORKS, ids=["dense", "conv"])
def test_saved_and_loaded_it_is_the_same(network: Any, in_shape: tuple, tmp_path: Path) -> None:
    p = params_of(network, in_shape, np.float32)
    save_network(tmp_path / "m", network, p, {})
    again, same, _ = load_network(tmp_path / "m")
    assert again == network
    x = normal(3, *in_shape, dtype=np.float32)
    assert again(same, x)[0].tobytes() == network(p, x)[0].tobytes()
