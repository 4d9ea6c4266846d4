"""The same numbers as PyTorch: layers, losses and ten steps of each optimiser."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch", reason="PyTorch is not installed; these tests compare to it")

from core.theirs import (  # noqa: E402
    F,
    Leaves,
    aligned,
    assert_close,
    bounded,
    chain,
    convolution,
    dense,
    differences,
    each_dense,
    elementwise,
    group_norm,
    layer_norm,
    leaf,
    lenet,
    monotone,
    pool,
    settled,
    symmetric,
)

from bpapps.core import (  # noqa: E402
    GELU,
    SGD,
    Adam,
    AdamW,
    Alignment,
    Average,
    AveragePool2D,
    Beside,
    Bounded,
    Branches,
    Chain,
    Conv2D,
    Dense,
    Difference,
    Dropout,
    Each,
    FixedPoint,
    Flatten,
    GlobalPool2D,
    GroupNorm,
    Huber,
    Identity,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    MonotoneDense,
    Pairs,
    Plan,
    ReLU,
    Reshape,
    Residual,
    Sigmoid,
    SigmoidCrossEntropy,
    SiLU,
    SoftmaxCrossEntropy,
    Softplus,
    SquaredError,
    SymmetricDense,
    Tanh,
    initial_params,
    pack,
)
from bpapps.core.full_batch import train_lbfgs  # noqa: E402
from bpapps.core.storage import LAYERS  # noqa: E402

kinds = pytest.mark.parametrize("dtype", [np.float32, np.float64])


EXACT: dict[str, Any] = {"tol": 1e-14, "max_iter": 400}
LENET = Chain(
    Reshape((8, 8, 1)),
    Conv2D(4, 3, padding="same"),
    ReLU(),
    Residual(Chain(Conv2D(4, 3, padding=1), Tanh())),
    MaxPool2D(),
    Chain(Flatten(), Dense(12)),
    LayerNorm(),
    GELU(),
    Dense(5),
)
TABLE: list[tuple[Any, tuple[int, ...], Callable[[Any, Any], Any]]] = [
    (Dense(4), (3,), dense),
    (Dense(1), (6,), dense),
    (Identity(), (5,), elementwise(lambda x: x)),
    (Sigmoid(), (9,), elementwise(torch.sigmoid)),
    (Tanh(), (9,), elementwise(torch.tanh)),
    (ReLU(), (9,), elementwise(torch.relu)),
    (LeakyReLU(), (9,), elementwise(F.leaky_relu)),
    (LeakyReLU(0.3), (9,), elementwise(lambda x: F.leaky_relu(x, 0.3))),
    (GELU(), (9,), elementwise(F.gelu)),
    (SiLU(), (9,), elementwise(F.silu)),
    (Softplus(), (9,), elementwise(F.softplus)),
    (Flatten(), (2, 3, 4), elementwise(lambda x: x.flatten(1))),
    (Reshape((2, 6)), (3, 4), elementwise(lambda x: x.reshape(-1, 2, 6))),
    (Dropout(0.5), (9,), elementwise(lambda x: F.dropout(x, 0.5, training=False))),
    (LayerNorm(), (7,), layer_norm),
    (LayerNorm(), (3, 4, 5), layer_norm),
    *((GroupNorm(g), (3, 4, 6), group_norm(g)) for g in (1, 2, 3, 6)),
    (GroupNorm(2), (6,), group_norm(2)),
    *(
        (Conv2D(3, k, s, pad), (7, 9, c), convolution(s, pad))
        for k, s, pad, c in [
            (1, 1, 0, 2),
            (2, 1, 0, 1),
            (3, 1, 0, 2),
            (3, 1, 1, 1),
            (3, 1, 1, 3),
            (3, 1, 4, 2),
            (3, 2, 0, 2),
            (3, 2, 1, 1),
            (5, 3, 2, 2),
            (2, 3, 1, 2),
            (5, 1, 2, 2),
        ]
    ),
    *(
        (kind(size, stride), (7, 9, 2), pool(f, size, stride))
        for kind, f in ((MaxPool2D, F.max_pool2d), (AveragePool2D, F.avg_pool2d))
        for size, stride in ((1, 1), (2, None), (3, None), (3, 2), (3, 1), (2, 3))
    ),
    (
        GlobalPool2D(),
        (4, 5, 3),
        elementwise(lambda x: torch.cat([x.mean((1, 2)), x.amax((1, 2))], 1)),
    ),
    (Each(Dense(3)), (4, 5), each_dense),
    (Each(Dense(3), at_once=3), (4, 5), each_dense),
    (Pairs([(0, 1), (2, 0)]), (3, 4), elementwise(lambda x: x[:, [[0, 1], [2, 0]]])),
    (Average(), (3, 4), elementwise(lambda x: x.mean(1))),
    (Difference(), (2, 5), differences),
    (Alignment(), (2, 3, 4, 5), aligned),
    (
        Beside(Dense(3), Dense(2), 2),
        (6,),
        lambda p, x: torch.cat(
            [dense(p.part("inner"), x[:, :-2]), dense(p.part("other"), x[:, -2:])], 1
        ),
    ),
    (
        Branches([Dense(3), Dense(2)]),
        (4,),
        lambda p, x: torch.cat([dense(p.part("0"), x), dense(p.part("1"), x)], 1),
    ),
    (
        Branches([Dense(3), Dense(2)], split=True),
        (4,),
        lambda p, x: torch.cat([dense(p.part("0"), x[:, :2]), dense(p.part("1"), x[:, 2:])], 1),
    ),
    (Residual(Dense(4)), (4,), lambda p, x: x + dense(p.part("inner"), x)),
    (
        Residual(Conv2D(2, 3, 2, 1), Conv2D(2, 1, 2)),
        (5, 6, 3),
        lambda p, x: (
            convolution(2, 1)(p.part("inner"), x) + convolution(2, 0)(p.part("shortcut"), x)
        ),
    ),
    (Chain(Dense(6), Tanh(), Dense(2)), (5,), chain(dense, elementwise(torch.tanh), dense)),
    (MonotoneDense(4, 0.3), (4,), monotone(0.3)),
    (SymmetricDense(4), (4,), symmetric),
    (Bounded(Dense(4), 1.0), (3,), bounded(dense, 1.0)),
    (Bounded(Conv2D(3, 3, 1, 1), 2.0), (4, 5, 2), bounded(convolution(1, 1), 2.0)),
    (
        FixedPoint(Chain(Tanh(), Bounded(Dense(6), 0.8)), Dense(6), **EXACT),
        (4,),
        settled(chain(elementwise(torch.tanh), bounded(dense, 0.8)), dense),
    ),
    (
        FixedPoint(Chain(ReLU(), Bounded(Conv2D(2, 3, 1, 1), 0.8)), Conv2D(2, 3, 1, 1), **EXACT),
        (4, 5, 3),
        settled(chain(elementwise(torch.relu), bounded(convolution(1, 1), 0.8)), convolution(1, 1)),
    ),
    (
        FixedPoint(Chain(Tanh(), Dense(6)), Dense(6), gradient="unrolled", steps=7),
        (4,),
        settled(chain(elementwise(torch.tanh), dense), dense, steps=7),
    ),
    (LENET, (64,), lenet),
]


def test_every_layer_is_compared() -> None:
    assert {type(layer) for layer, _, _ in TABLE} == set(LAYERS.values())


@kinds
@pytest.mark.parametrize("row", TABLE, ids=[f"{row[0]}-{row[1]}"[:60] for row in TABLE])
def test_layers(row: tuple, dtype: Any) -> None:
    layer, in_shape, function = row
    rng = np.random.default_rng(0)
    params = pack(layer.init(in_shape, rng)[0], np.float64)
    params.vector[...] += 0.1 * rng.normal(size=params.size)
    params = params.astype(dtype)
    x = rng.normal(size=(5, *in_shape)).astype(dtype)
    y, back = layer(params, x)
    dy = rng.normal(size=y.shape).astype(dtype)
    grad = params.zeros_like()
    dx = back(dy, grad)
    leaves, tx = Leaves(params), leaf(x)
    ty = function(leaves, tx)
    ty.backward(torch.tensor(dy))
    assert_close(y, ty.detach().numpy())
    assert_close(dx, tx.grad.numpy())
    assert_close(grad.vector, leaves.gradient())


def test_ties_in_max_pool_go_to_the_same_pixel() -> None:
    x = np.random.default_rng(0).integers(3, size=(4, 7, 8, 2)).astype(np.float64)
    y, back = MaxPool2D(3, 2)(pack({}), x)
    tx = leaf(x)
    ty = F.max_pool2d(tx.permute(0, 3, 1, 2), 3, 2)
    ty.sum().backward()
    np.testing.assert_array_equal(back(np.ones_like(y)), tx.grad.numpy())


N, K = 8, 5
RNG = np.random.default_rng(0)
CLASSES, SHARES = RNG.integers(K, size=N), RNG.dirichlet(np.ones(K), N)
ANSWERS, VALUES = RNG.random((N, K)), RNG.normal(size=(N, K))
LOSSES: list[tuple[Any, np.ndarray, Callable[[Any, Any], Any]]] = [
    (SoftmaxCrossEntropy(), CLASSES, lambda z, t: F.cross_entropy(z, t, reduction="none")),
    (SoftmaxCrossEntropy(), SHARES, lambda z, t: F.cross_entropy(z, t, reduction="none")),
    (
        SoftmaxCrossEntropy(0.2),
        CLASSES,
        lambda z, t: F.cross_entropy(z, t, reduction="none", label_smoothing=0.2),
    ),
    (
        SoftmaxCrossEntropy(0.2),
        SHARES,
        lambda z, t: F.cross_entropy(z, t, reduction="none", label_smoothing=0.2),
    ),
    (
        SigmoidCrossEntropy(),
        ANSWERS,
        lambda z, t: F.binary_cross_entropy_with_logits(z, t, reduction="none").sum(1),
    ),
    (SquaredError(), VALUES, lambda z, t: 0.5 * F.mse_loss(z, t, reduction="none").sum(1)),
    (Huber(), VALUES, lambda z, t: F.huber_loss(z, t, reduction="none").sum(1)),
    (Huber(0.3), VALUES, lambda z, t: F.huber_loss(z, t, reduction="none", delta=0.3).sum(1)),
]


@kinds
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("row", LOSSES, ids=[f"{row[0]}-{row[1].shape}" for row in LOSSES])
def test_losses(row: tuple, weighted: bool, dtype: Any) -> None:
    loss, targets, function = row
    logits = np.random.default_rng(1).normal(size=(N, K)).astype(dtype)
    if targets.dtype == np.float64:
        targets = targets.astype(dtype)
    weights = np.random.default_rng(2).random(N).astype(dtype) if weighted else None
    value, dlogits = loss(logits, targets, weights)
    z = leaf(logits)
    each = function(z, torch.tensor(targets))
    total = each.mean() if weights is None else (each * torch.tensor(weights)).sum()
    total.backward()
    assert_close(value, total.detach().numpy())
    assert_close(dlogits, z.grad.numpy())


OPTIMIZERS: list[tuple[Any, Callable[[Any], Any]]] = [
    (SGD(), lambda p: torch.optim.SGD(p, 0.05)),
    (SGD(0.9), lambda p: torch.optim.SGD(p, 0.05, momentum=0.9)),
    (SGD(0.8, nesterov=True), lambda p: torch.optim.SGD(p, 0.05, momentum=0.8, nesterov=True)),
    (Adam(), lambda p: torch.optim.Adam(p, 0.05)),
    (Adam(0.5, 0.9, 1e-3), lambda p: torch.optim.Adam(p, 0.05, (0.5, 0.9), 1e-3)),
    (AdamW(), lambda p: torch.optim.AdamW(p, 0.05)),
    (AdamW(weight_decay=0.3), lambda p: torch.optim.AdamW(p, 0.05, weight_decay=0.3)),
]
SMALL = Chain(Dense(8), Tanh(), Dense(3))
X, Y = RNG.normal(size=(20, 4)), RNG.integers(3, size=20)


def small(p: Any, x: Any) -> Any:
    return dense(p.part("2"), torch.tanh(dense(p.part("0"), x)))


@kinds
@pytest.mark.parametrize("row", OPTIMIZERS, ids=[str(row[0]) for row in OPTIMIZERS])
def test_ten_steps(row: tuple, dtype: Any) -> None:
    optimizer, make = row
    params = initial_params(SMALL, (4,), dtype=dtype)
    leaves, x = Leaves(params), torch.tensor(X.astype(dtype))
    torch_optimizer = make(leaves.tensors.values())
    state, loss = optimizer.init(params.vector), SoftmaxCrossEntropy()
    for _ in range(10):
        logits, back = SMALL(params, X.astype(dtype))
        grad = params.zeros_like()
        back(loss(logits, Y)[1], grad, need_dx=False)
        optimizer.step(params.vector, grad.vector, state, 0.05)
        torch_optimizer.zero_grad()
        F.cross_entropy(small(leaves, x), torch.tensor(Y)).backward()
        torch_optimizer.step()
    for name, view in params.items():
        assert_close(view, leaves.tensors[name].detach().numpy())


def test_lbfgs_finds_the_same_minimum() -> None:
    params = initial_params(Dense(3), (4,), dtype=np.float64)
    leaves, x, y = Leaves(params), torch.tensor(X), torch.tensor(Y)
    plan = Plan(SoftmaxCrossEntropy(), SGD(), alpha=1.0, max_epochs=500, tol=1e-9)
    ours = train_lbfgs(Dense(3), params, X, Y, plan)[-1].loss
    tensors = list(leaves.tensors.values())
    optimizer = torch.optim.LBFGS(tensors, max_iter=500, line_search_fn="strong_wolfe")

    def objective() -> Any:
        optimizer.zero_grad()
        penalty = 0.5 / len(X) * (leaves.W**2).sum()
        value = F.cross_entropy(dense(leaves, x), y) + penalty
        value.backward()
        return value

    optimizer.step(objective)
    assert ours == pytest.approx(objective().item(), rel=1e-7)
    np.testing.assert_allclose(params.W, leaves.W.detach().numpy(), atol=1e-3)
