"""Recurrent backpropagation: exact where it says so, cheap in memory, and honest in its records."""

import json
import tracemalloc
import warnings
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpapps.core import (
    SGD,
    Adam,
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
    SquaredError,
    Tanh,
    check_layer,
    evaluate,
    forward,
    initial_params,
    load_network,
    pack,
    recording,
    save_network,
    spectral_radius,
    train,
    training,
)
from bpapps.core.gradcheck import slope_error
from bpapps.core.parallel import BatchGradient
from bpapps.core.threads import team
from bpapps.core.training import train_lbfgs

EXACT: dict[str, Any] = {"tol": 1e-14, "max_iter": 400}
DENSE = FixedPoint(Chain(Tanh(), Bounded(Dense(6), 0.8)), Dense(6), **EXACT)
CONV = FixedPoint(
    Chain(ReLU(), Bounded(Conv2D(3, 3, padding="same"), 0.8)), Conv2D(3, 3, padding="same"), **EXACT
)
SOLVERS = [Damped(), Damped(0.6), Anderson(), Broyden()]


def params_of(layer: Any, in_shape: tuple, dtype: Any = np.float64, seed: int = 0) -> Params:
    return initial_params(layer, in_shape, seed, dtype)


def normal(*shape: int, seed: int = 1, dtype: Any = np.float64) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def gradient_of(layer: Any, p: Params, x: np.ndarray, dz: np.ndarray) -> tuple[Any, Any]:
    grad = p.zeros_like()
    _, back = layer(p, x)
    dx = back(dz, grad)
    return grad, dx


# --- exact


@pytest.mark.parametrize("solver", SOLVERS, ids=str)
@pytest.mark.parametrize(
    ("layer", "in_shape"), [(DENSE, (4,)), (CONV, (4, 5, 2))], ids=["dense", "conv"]
)
def test_each_gradient_is_that_of_finite_differences(
    layer: FixedPoint, in_shape: tuple, solver: Any
) -> None:
    """W, U, b and x, each alone: no large one can hide a small one's error."""
    layer = replace(layer, solver=solver)
    p = params_of(layer, in_shape)
    p.vector[...] += 0.1 * normal(p.size)
    x, v = normal(3, *in_shape), normal(*layer(p, normal(3, *in_shape))[0].shape, seed=2)
    grad, dx = gradient_of(layer, p, x, v)

    def output(q: Params, inputs: np.ndarray) -> float:
        return float((layer(q, inputs)[0] * v).sum())

    along = normal(*x.shape, seed=3)
    assert slope_error(lambda t: output(p, x + t * along), float((dx * along).sum())) < 1e-6
    names = dict(p.items())
    assert set(names) == {"inject.W", "inject.b", "cell.1.W", "cell.1.b"}
    for name, slope in grad.items():
        along = normal(*slope.shape, seed=4)

        def moved(t: float, name: str = name, along: np.ndarray = along) -> float:
            q = p.copy()
            dict(q.items())[name][...] += t * along
            return output(q, x)

        assert slope_error(moved, float((slope * along).sum())) < 1e-6, name


@pytest.mark.parametrize("forwards", SOLVERS, ids=str)
@pytest.mark.parametrize("backwards", SOLVERS, ids=str)
def test_forward_and_backward_solvers_do_not_depend_on_each_other(
    forwards: Any, backwards: Any
) -> None:
    layer = replace(DENSE, solver=forwards, backward_solver=backwards)
    assert check_layer(layer, (4,)) < 1e-6


def test_the_output_is_the_fixed_point_of_its_equation() -> None:
    layer = FixedPoint(Chain(Tanh(), Dense(6, "glorot_uniform")), Dense(6), **EXACT)
    p, x = params_of(layer, (4,)), normal(5, 4)
    z, _ = layer(p, x)
    cell, inject = p.part("cell")[1], p.part("inject")
    np.testing.assert_allclose(z, np.tanh(z) @ cell.W + cell.b + x @ inject.W + inject.b)


# --- the cheaper gradients


def test_unrolled_becomes_implicit_as_the_steps_grow() -> None:
    p, x, dz = params_of(DENSE, (4,)), normal(5, 4), normal(5, 6, seed=2)
    exact, exact_dx = gradient_of(DENSE, p, x, dz)
    errors = []
    for steps in (2, 4, 8, 16, 32, 64):
        layer = replace(DENSE, gradient="unrolled", steps=steps)
        grad, dx = gradient_of(layer, p, x, dz)
        errors.append(np.linalg.norm(grad.vector - exact.vector) + np.linalg.norm(dx - exact_dx))
    assert (np.diff(errors) < 0).all()
    np.testing.assert_array_less(errors[3:], 0.3 * np.array(errors[2:-1]))
    assert errors[0] > 1e-2
    assert errors[-1] < 1e-12


def test_phantom_lies_between_jacobian_free_and_implicit() -> None:
    p, x, dz = params_of(DENSE, (4,)), normal(5, 4), normal(5, 6, seed=2)
    exact, _ = gradient_of(DENSE, p, x, dz)
    free, free_dx = gradient_of(replace(DENSE, gradient="jacobian-free"), p, x, dz)
    np.testing.assert_array_equal(free_dx, dz @ p.part("inject").W.T)  # u = dz
    errors = [np.linalg.norm(free.vector - exact.vector)]
    for steps in (1, 2, 4, 8, 16, 32, 64):
        layer = replace(DENSE, gradient="phantom", steps=steps)
        phantom, _ = gradient_of(layer, p, x, dz)
        errors.append(np.linalg.norm(phantom.vector - exact.vector))
    assert errors[0] == errors[1]  # one undamped step is Jacobian-free
    assert (np.diff(errors[1:]) < 0).all()
    assert errors[-1] < 1e-10


def test_damped_phantom_steps_are_the_sum_of_their_paper() -> None:
    """λ Σ (λ J + (1 - λ) I)ⁱ of the first k powers (Geng et al. 2021, equation 10)."""
    share, steps = 0.4, 4
    layer = FixedPoint(Dense(3, "glorot_uniform"), Dense(3), gradient="phantom", damping=share,
                       steps=steps, **EXACT)  # fmt: skip
    p = params_of(layer, (2,))
    p.part("cell").W[...] *= 0.4
    dz = normal(5, 3)
    _, dx = gradient_of(layer, p, normal(5, 2), dz)
    step = share * p.part("cell").W.T + (1 - share) * np.eye(3)
    powers = sum(np.linalg.matrix_power(step, i) for i in range(steps))
    np.testing.assert_allclose(dx, share * dz @ powers @ p.part("inject").W.T)


@pytest.mark.parametrize("gradient", ["jacobian-free", "phantom"])
def test_the_cheaper_gradients_leave_the_output_alone(gradient: str) -> None:
    p, x = params_of(DENSE, (4,)), normal(5, 4)
    np.testing.assert_array_equal(replace(DENSE, gradient=gradient)(p, x)[0], DENSE(p, x)[0])


@pytest.mark.parametrize("gradient", ["implicit", "jacobian-free", "phantom", "unrolled"])
def test_each_gradient_learns(gradient: str) -> None:
    X, y = clouds()
    layer = FixedPoint(Chain(Tanh(), Bounded(Dense(8), 0.9)), Dense(8), gradient=gradient, steps=8)
    network = Chain(layer, Tanh(), Dense(3))
    p = params_of(network, (4,), np.float32)
    plan = plan_of(max_epochs=15)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)  # of eight plain steps
        epochs = list(train(network, p, X, y, plan))
        logits = forward(network, p, X, 100)
    assert epochs[-1].loss < 0.5 * epochs[0].loss
    assert (logits.argmax(axis=1) == y).mean() > 0.9


# --- memory


def peak(layer: FixedPoint, p: Params, x: np.ndarray) -> int:
    """The most bytes held during a forward and backward pass."""
    tracemalloc.start()
    z, back = layer(p, x)
    back(np.ones_like(z), p.zeros_like())
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


@pytest.mark.slow
def test_memory_of_the_implicit_gradient_does_not_grow_with_the_iterations() -> None:
    base = FixedPoint(Chain(Tanh(), Bounded(Dense(256), 0.999)), Dense(256), Damped(), tol=1e-15)
    p, x = params_of(base, (4,)), normal(100, 4)
    implicit = [peak(replace(base, max_iter=n), p, x) for n in (5, 80)]
    unrolled = [peak(replace(base, gradient="unrolled", steps=n), p, x) for n in (5, 80)]
    state = 100 * 256 * 8
    assert implicit[1] - implicit[0] < state  # its trajectory of residuals, a few kilobytes
    assert unrolled[1] - unrolled[0] > 75 * state


# --- random cells, starts


def test_one_mask_for_the_whole_solve() -> None:
    """With a mask that changed, plain iteration would not settle; nor would the adjoint."""
    layer = FixedPoint(Chain(Tanh(), Dropout(0.5), Bounded(Dense(6), 0.8)), Dense(6), **EXACT)
    p, x = params_of(layer, (4,)), normal(5, 4)
    with recording() as record:
        z, back = layer(p, x, np.random.default_rng(0))
        back(np.ones_like(z))
    assert all(info.converged.all() for info in record.forward + record.backward)
    other, _ = layer(p, x, np.random.default_rng(1))
    assert not np.allclose(z, other)


def test_a_start_of_the_caller_s_saves_iterations_and_changes_nothing_else() -> None:
    p, x = params_of(DENSE, (4,)), normal(5, 4)
    with recording() as record:
        z, back = DENSE(p, x)
        near, near_back = DENSE(p, x, z0=z + 1e-9)
        same, _ = DENSE(p, x, z0=z)
    counts = [info.iterations.mean() for info in record.forward]
    assert counts[2] == 1 < counts[1] < counts[0]
    np.testing.assert_array_equal(same, z)
    np.testing.assert_allclose(near, z, rtol=1e-12)
    np.testing.assert_allclose(near_back(z), back(z), rtol=1e-10)


def test_a_warm_start_learns_to_be_near_the_fixed_points() -> None:
    layer = FixedPoint(
        Chain(Tanh(), Bounded(Dense(8), 0.8)), Dense(8), Damped(), warm_start=True, tol=1e-6
    )
    network = Chain(layer, Tanh(), Dense(3))
    p = params_of(network, (4,), np.float32)
    p[0].part("inject").b[...] = 2.0
    X, y = clouds()
    epochs = list(train(network, p, X, y, plan_of(max_epochs=60)))
    assert epochs[-1].forward_iterations is not None
    z, _ = layer(p[0], X)
    np.testing.assert_allclose(p[0].start, z.mean(axis=0), atol=0.3)
    cold = p.copy()
    cold[0].start[...] = 0
    with recording() as record:
        layer(p[0], X)
        layer(cold[0], X)
    assert record.forward[0].iterations.mean() < record.forward[1].iterations.mean()


def test_the_gradient_of_the_start_and_no_other() -> None:
    """start - mean z* over the batch, however it is cut; the start has no part in the rest."""
    layer = replace(DENSE, warm_start=True)
    p, X = params_of(layer, (4,)), normal(30, 4)
    p.start[...] = 0.3
    y = normal(30, 6)
    wanted = p.start - layer(p, X)[0].mean(axis=0)
    vectors = []
    for size in (30, 7):
        of_batch = BatchGradient(layer, p, SquaredError(), size)
        with team(1) as members:
            _, gradients = of_batch(members, X, y, None, np.arange(30), 0)
        total = Params(np.sum(gradients, axis=0), p.shapes)
        np.testing.assert_allclose(total.start, wanted, rtol=1e-10)
        vectors.append(total.vector)
    np.testing.assert_allclose(*vectors, rtol=1e-9, atol=1e-12)
    grad = p.zeros_like()
    _, back = layer(p, X)  # prediction: nothing is learned
    back(y, grad)
    assert not grad.start.any()


# --- the Jacobian


def jacobian(layer: FixedPoint, p: Params, z: np.ndarray) -> np.ndarray:
    """∂cell/∂z of one sample, (size, size), row by row of what comes out."""
    _, back = layer.cell(p.part("cell"), np.repeat(z, z.size, axis=0))
    return back(np.eye(z.size).reshape(-1, *z.shape[1:])).reshape(z.size, z.size)


@pytest.mark.parametrize("row", [(DENSE, (4,)), (CONV, (4, 5, 2))], ids=["dense", "conv"])
def test_the_spectral_radius_is_that_of_the_jacobian(row: tuple) -> None:
    layer, in_shape = row
    p, x = params_of(layer, in_shape), normal(4, *in_shape)
    z, _ = layer(p, x)
    found = spectral_radius(layer.cell, p.part("cell"), z, 400)
    exact = [np.abs(np.linalg.eigvals(jacobian(layer, p, z[i : i + 1]))).max() for i in range(4)]
    np.testing.assert_allclose(found, exact, rtol=0.02)


def test_a_cell_of_constants_has_radius_0() -> None:
    p = pack(Dense(3).init((3,), np.random.default_rng(0))[0])
    p.W[...] = 0
    assert (spectral_radius(Dense(3), p, normal(2, 3, dtype=np.float32)) < 1e-30).all()


def penalized(strength: float, seed: int = 0) -> tuple[FixedPoint, Params, np.ndarray]:
    layer = replace(DENSE, jacobian_penalty=strength)
    return layer, params_of(layer, (4,), seed=seed), normal(5, 4)


def penalty_of(layer: FixedPoint, p: Params, x: np.ndarray, seed: int = 0) -> tuple[float, Params]:
    """Its value and gradient, with no other loss."""
    grad = p.zeros_like()
    with recording() as record:
        z, back = layer(p, x, np.random.default_rng(seed))
        back(np.zeros_like(z), grad)
    return record.penalty, grad


def test_the_jacobian_penalty_is_the_mean_square_of_the_jacobian() -> None:
    layer, p, x = penalized(2.0)
    z, _ = layer(p, x)
    squares = [np.square(jacobian(layer, p, z[i : i + 1])).sum() / z[0].size for i in range(5)]
    values = [penalty_of(layer, p, x, seed)[0] for seed in range(400)]
    assert np.mean(values) == pytest.approx(2.0 * np.mean(squares), rel=0.04)


def test_the_gradient_of_the_jacobian_penalty_is_that_of_its_value() -> None:
    """Through the weights and through the fixed point that they move."""
    layer, p, x = penalized(2.0)
    _, grad = penalty_of(layer, p, x)
    along = normal(p.size, seed=5)

    def value(t: float) -> float:
        return penalty_of(layer, Params(p.vector + t * along, p.shapes), x)[0]

    assert slope_error(value, float(grad.vector @ along)) < 1e-6
    assert grad.part("inject").W.any()


@pytest.mark.slow
def test_the_jacobian_penalty_is_in_the_loss_and_not_in_prediction() -> None:
    layer, p, x = penalized(2.0)
    y = normal(5, 6, seed=3)
    value, _ = evaluate(layer, p, x, y, SquaredError())
    means = []
    for size in (5, 2):
        of_batch = BatchGradient(layer, p, SquaredError(), size)
        with team(1) as members:
            losses = [of_batch(members, x, y, None, np.arange(5), k)[0] for k in range(150)]
        means.append(np.mean(losses) - value)
    expected = np.mean([penalty_of(layer, p, x, seed)[0] for seed in range(300)])
    np.testing.assert_allclose(means, expected, rtol=0.1)  # however the batch is cut


@pytest.mark.slow
def test_the_jacobian_penalty_lowers_the_spectral_radius() -> None:
    X, y = clouds()
    radii = []
    for strength in (0.0, 1.0):
        layer = FixedPoint(
            Chain(Tanh(), Dense(8, "glorot_uniform")), Dense(8), jacobian_penalty=strength
        )
        network = Chain(layer, Tanh(), Dense(3))
        p = params_of(network, (4,), np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConvergedWarning)  # without the penalty
            list(train(network, p, X, y, plan_of(max_epochs=20)))
        z, _ = layer(p[0], X)
        radii.append(spectral_radius(layer.cell, p[0].part("cell"), z).mean())
    assert radii[1] < 0.5 * radii[0]


# --- records and warnings


def clouds(n: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds in the plane, and two features of noise."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=n)
    centres = np.array([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]])
    X = np.hstack([centres[y] + 0.5 * rng.normal(size=(n, 2)), rng.normal(size=(n, 2))])
    return X.astype(np.float32), y


def plan_of(**changes: Any) -> Plan:
    given = {
        "loss": SoftmaxCrossEntropy(),
        "optimizer": Adam(),
        "learning_rate": 0.02,
        "batch_size": 32,
        "microbatch": 8,
        "max_epochs": 3,
    }
    return Plan(**{**given, **changes})


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


# --- the same bits


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
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    network, plan = net(warm_start=True, jacobian_penalty=0.1), plan_of(max_epochs=5)
    whole, epochs = fit(network, plan)
    p = params_of(network, (4,), np.float32)
    file = tmp_path / "checkpoint"
    list(islice(train(network, p, *clouds(), plan, checkpoint=file), after))
    again, resumed = fit(network, plan, checkpoint=file)
    assert again.vector.tobytes() == whole.vector.tobytes()
    assert [replace(e, seconds=0.0) for e in resumed] == [replace(e, seconds=0.0) for e in epochs]


# --- storage


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
