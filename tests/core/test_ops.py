"""The forms that Numba compiles give what plain NumPy gives, and are loaded where they pay."""

import subprocess
import sys
from collections.abc import Iterator
from inspect import signature
from types import FunctionType
from typing import Any

import numpy as np
import pytest

from bpapps.core import (
    SGD,
    Adam,
    AdamW,
    Chain,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    Plan,
    ReLU,
    Reshape,
    SoftmaxCrossEntropy,
    initial_params,
    ops,
    pack,
    train,
)
from bpapps.pictures.augment import resample

pytest.importorskip("numba")

OPS = (
    *("adam", "sgd", "add_scaled", "dense_of_one", "largest_of_4", "largest_of_4_back", "shift"),
    *("cross_entropy", "bilinear"),
)
DENSE = Chain(Dense(40), ReLU(), Dense(10))
POOLS = Chain(
    *(Reshape((8, 8, 1)), Conv2D(4, 3, padding=1), MaxPool2D(), ReLU()),
    *(Conv2D(6, 2), MaxPool2D(), Flatten(), Dense(10)),
)


@pytest.fixture(autouse=True)
def plain_afterwards() -> Iterator[None]:
    yield
    ops.unload()


def both_ways(work: Any) -> tuple[Any, Any]:
    ops.unload()
    plain = work()
    assert ops.load()
    return plain, work()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", [SGD(), SGD(0.9), SGD(0.9, True), Adam(), AdamW()], ids=str)
@pytest.mark.parametrize("network", [DENSE, POOLS], ids=["dense", "pools"])
def test_a_training_gives_the_same_bits(network: Any, optimizer: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.random((96, 64)).astype(dtype), rng.integers(10, size=96)
    plan = Plan(SoftmaxCrossEntropy(), optimizer, 0.01, batch_size=32, max_epochs=3, microbatch=16)

    def work() -> tuple[bytes, list[float]]:
        params = initial_params(network, (64,), dtype=dtype)
        losses = [epoch.loss for epoch in train(network, params, X, y, plan, threads=2)]
        return (params.vector + 0).tobytes(), losses  # + 0: a zero's sign is nothing

    plain, quick = both_ways(work)
    assert plain == quick


@pytest.mark.parametrize("shape", [(4, 6, 3), (5, 7, 2), (2, 2, 1)])
def test_max_pooling(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(1).integers(3, size=(5, *shape)).astype(np.float32)  # many ties

    def work() -> tuple[np.ndarray, np.ndarray]:
        y, back = MaxPool2D()(pack({}), x)
        return y, back(np.arange(1, y.size + 1, dtype=np.float32).reshape(y.shape))

    plain, quick = both_ways(work)
    for ours, theirs in zip(plain, quick, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("place", range(4))
def test_what_is_no_number_comes_out_of_a_pool(place: int) -> None:
    x = np.zeros((1, 2, 2, 1), np.float32)
    x.ravel()[place] = np.nan
    plain, quick = both_ways(lambda: MaxPool2D()(pack({}), x)[0])
    assert np.isnan(plain).all()
    assert np.isnan(quick).all()


@pytest.mark.parametrize("weights", [None, 0.25, np.array([0.1, 0.0, 0.5])], ids=str)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy(smoothing: float, weights: Any) -> None:
    logits = np.random.default_rng(2).normal(size=(3, 4)).astype(np.float32)
    loss = SoftmaxCrossEntropy(smoothing)
    plain, quick = both_ways(lambda: loss(logits, np.array([3, 0, 2]), weights))
    assert plain[0] == quick[0]
    np.testing.assert_array_equal(plain[1], quick[1])


@pytest.mark.parametrize("wrong", [-1, 4])
def test_a_class_that_is_none_is_refused(wrong: int) -> None:
    assert ops.load()
    with pytest.raises(ValueError, match="between 0 and 3"):
        SoftmaxCrossEntropy()(np.zeros((2, 4), np.float32), np.array([0, wrong]))


def test_one_sample_with_many_zeros() -> None:
    rng = np.random.default_rng(3)
    x = rng.random((1, 50)).astype(np.float32) * (rng.random(50) < 0.2)
    params = initial_params(DENSE, (50,))
    plain, quick = both_ways(lambda: DENSE(params, x)[0])
    np.testing.assert_allclose(quick, plain, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_resampled_pictures(dtype: Any) -> None:
    rng = np.random.default_rng(4)
    pictures = rng.random((3, 6, 5)).astype(dtype)
    rows, columns = (rng.uniform(-3, 9, (3, 6, 5)).astype(np.float32) for _ in range(2))
    plain, quick = both_ways(lambda: resample(pictures, rows, columns))
    assert plain.dtype == quick.dtype
    np.testing.assert_array_equal(plain, quick)


@pytest.mark.parametrize(("epochs", "loads"), [(1, False), (2, True)])
def test_only_a_long_training_loads_them(
    epochs: int, loads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = initial_params(DENSE, (64,))
    monkeypatch.setattr(ops, "WORTH_LOADING", 3 * params.size)  # a batch is one step
    X, y = np.zeros((64, 64), np.float32), np.zeros(64, int)
    plan = Plan(SoftmaxCrossEntropy(), Adam(), batch_size=32, max_epochs=epochs)
    list(train(DENSE, params, X, y, plan))
    assert bool(ops.loaded()) == loads


def test_each_has_both_forms_and_they_are_called_alike() -> None:
    def forms() -> dict[str, list[str]]:
        return {name: list(signature(getattr(ops, name)).parameters) for name in OPS}

    plain, quick = both_ways(forms)
    assert plain == quick
    kinds = both_ways(lambda: {type(getattr(ops, name)) for name in OPS})
    assert kinds[0] == {FunctionType}
    assert FunctionType not in kinds[1]


def test_without_numba_all_goes_on() -> None:
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "from importlib import util; find = util.find_spec\n"
        "util.find_spec = lambda name, *a: None if name == 'numba' else find(name, *a)\n"
        "from bpapps.core import ops\n"
        "print(ops.load(), ops.loaded())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
