"""Initial weights have the variance that their rule names, and biases are nothing."""

from typing import Any

import numpy as np
import pytest

from bpapps.core import Conv2D, Dense, initial_params
from bpapps.core.initializers import INITIALIZERS, initialize

EXPECTED = {
    "glorot": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he": lambda fan_in, fan_out: 2 / fan_in,
    "lecun": lambda fan_in, fan_out: 1 / fan_in,
}
SHAPES = [
    ((400, 150), 400, 150),
    ((3, 3, 32, 200), 288, 1800),
]


def test_every_rule_is_here() -> None:
    assert {name.split("_")[0] for name in INITIALIZERS} == set(EXPECTED)


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize(("shape", "fan_in", "fan_out"), SHAPES)
def test_variance_by_fan(name: str, shape: tuple, fan_in: int, fan_out: int) -> None:
    rule, draw = name.split("_")
    variance = EXPECTED[rule](fan_in, fan_out)
    W = initialize(name, shape, fan_in, fan_out, np.random.default_rng(0))
    assert W.shape == shape
    four_sigma = 4 * (2 / W.size) ** 0.5  # of the estimate of a normal variance
    assert W.var() == pytest.approx(variance, rel=four_sigma)
    assert abs(W.mean()) < 4 * (variance / W.size) ** 0.5
    limit = (3 * variance) ** 0.5
    if draw == "uniform":
        assert 0.999 * limit < np.abs(W).max() <= limit
    else:
        beyond = (np.abs(W) > 2 * variance**0.5).mean()
        assert beyond == pytest.approx(0.0455, abs=0.005)


LAYERS = [
    (lambda name: Dense(150, name), (400,), 400, 150),
    (lambda name: Conv2D(100, 3, initializer=name), (5, 5, 64), 576, 900),
]


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize(("make", "in_shape", "fan_in", "fan_out"), LAYERS, ids=["Dense", "Conv2D"])
def test_layers_tell_their_fans(
    make: Any, in_shape: tuple, fan_in: int, fan_out: int, name: str
) -> None:
    p = initial_params(make(name), in_shape, seed=1)
    assert p.W.var() == pytest.approx(EXPECTED[name.split("_")[0]](fan_in, fan_out), rel=0.03)
    assert not p.b.any()


def test_the_seed_decides() -> None:
    first, same, other = (initial_params(Dense(5), (4,), seed=seed).vector for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


@pytest.mark.parametrize("name", ["he", "HE_NORMAL", "he_normal_", "", None, 3])
def test_an_unknown_name_is_refused(name: Any) -> None:
    with pytest.raises(ValueError, match="initializer must be one of glorot_normal"):
        initialize(name, (2, 2), 2, 2, np.random.default_rng(0))
