"""The associative memory: it restores what it learned, and says what did not settle."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bpapps.core.solvers import NotConvergedWarning
from bpapps.estimators import AssociativeMemory
from bpapps.estimators.memory import Spoil


@pytest.fixture(scope="module")
def digits() -> NDArray:
    return (load_digits().data / 16).astype(np.float32)


@pytest.fixture(scope="module")
def trained(digits: NDArray) -> AssociativeMemory:
    return AssociativeMemory(64, max_iter=15, random_state=0).fit(digits[:1000])


def test_corrupted_digits_are_restored(trained: AssociativeMemory, digits: NDArray) -> None:
    clean = digits[1000:1400]
    for spoil in (Spoil(noise=0.8, lost=0), Spoil(noise=0, lost=0.8)):
        spoilt = spoil(clean, np.random.default_rng(1))
        restored = trained.transform(spoilt)
        assert restored.shape == clean.shape
        assert restored.dtype == np.float32
        assert np.square(restored - clean).mean() < 0.75 * np.square(spoilt - clean).mean()
        assert (restored.min(), restored.max()) >= (0, 0)
        assert restored.max() <= 1


def test_what_settled_once_is_all_but_left_alone(
    trained: AssociativeMemory, digits: NDArray
) -> None:
    once = trained.transform(digits[1000:1100])
    twice = trained.transform(once)
    assert np.square(twice - once).mean() < 0.7 * np.square(once - digits[1000:1100]).mean()


def test_connections_are_the_same_both_ways(trained: AssociativeMemory) -> None:
    settling = trained.net_.network_.layers[0]
    W = settling.cell.layers[1].weights(trained.params_[0].part("cell")[1])
    np.testing.assert_array_equal(W, W.T)


def test_the_seed_decides(digits: NDArray) -> None:
    memories = [
        AssociativeMemory(8, max_iter=2, random_state=seed, max_steps=400).fit(digits[:100])
        for seed in (1, 1, 2)
    ]
    one, same, other = (memory.transform(digits[:5]) for memory in memories)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_who_has_not_settled_is_warned_of(digits: NDArray) -> None:
    hurried = AssociativeMemory(8, max_iter=1, max_steps=2, random_state=0)
    with pytest.warns(NotConvergedWarning, match="not found"):
        hurried.fit(digits[:100])
    with pytest.warns(NotConvergedWarning, match="prediction"):
        hurried.transform(digits[:10])


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"time_step": 0.0}, "time_step"), ({"n_neurons": 0}, "n_neurons"), ({"corrupt": 3}, "corr")],
)
def test_what_it_refuses(settings: dict, message: str, digits: NDArray) -> None:
    with pytest.raises(ValueError, match=message):
        AssociativeMemory(**settings).fit(digits[:10])


def test_nothing_spoilt_is_nothing_changed(digits: NDArray) -> None:
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(Spoil(0, 0)(digits[:5], rng), digits[:5])
    spoilt = Spoil()(digits[:5], rng)
    assert spoilt.dtype == digits.dtype
    assert (spoilt.min(), spoilt.max()) == (0, 1)


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (5, 6), (-3, -2)], ids=["from 0", "above 0", "below 0"]
)
def test_data_are_spoilt_within_their_own_range(low: int, high: int, digits: NDArray) -> None:
    """Of which a microbatch, such as one of a single value, may hold a part only."""
    rng = np.random.default_rng(0)
    memory = AssociativeMemory(8, max_iter=1, random_state=0, max_steps=400)
    memory.fit(digits[:100] + low)
    spoilt = memory.net_.augment(np.full((500, 2), float(low)), rng)
    assert memory.range_ == (low, high)
    assert (spoilt.min(), spoilt.max()) == pytest.approx(memory.range_, abs=0.05)
    spoilt = Spoil()(digits[:100] + low, rng)  # whose range is all there is to go by
    assert (spoilt.min(), spoilt.max()) == memory.range_


def test_nothing_is_spoilt_in_nothing() -> None:
    assert Spoil()(np.zeros((0, 3)), np.random.default_rng(0)).shape == (0, 3)


def test_it_stands_in_a_pipeline(digits: NDArray) -> None:
    steps = make_pipeline(StandardScaler(), AssociativeMemory(8, max_iter=2, random_state=0))
    steps.fit(digits[:100])
    assert len(steps.get_feature_names_out()) == digits.shape[1]
    assert steps.transform(digits[:3]).shape == (3, digits.shape[1])
