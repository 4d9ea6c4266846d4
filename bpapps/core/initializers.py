"""Initial weights by fan: how many inputs and outputs a unit has sets how large they start.

Glorot & Bengio 2010 (variance 2 / (fan_in + fan_out)), He et al. 2015 (2 / fan_in, for
rectifiers) and LeCun et al. 1998 (1 / fan_in), each drawn from a normal or a uniform
distribution of that variance.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

VARIANCES: dict[str, Callable[[int, int], float]] = {
    "glorot": lambda fan_in, fan_out: 2.0 / (fan_in + fan_out),
    "he": lambda fan_in, fan_out: 2.0 / fan_in,
    "lecun": lambda fan_in, fan_out: 1.0 / fan_in,
}
INITIALIZERS = tuple(f"{rule}_{draw}" for rule in VARIANCES for draw in ("normal", "uniform"))


def check_initializer(name: str) -> None:
    """Raise ValueError unless the name is one of :data:`INITIALIZERS`."""
    if name not in INITIALIZERS:
        raise ValueError(f"initializer must be one of {', '.join(INITIALIZERS)}, not {name!r}")


def initialize(
    name: str, shape: tuple[int, ...], fan_in: int, fan_out: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw an array of the given shape by the named rule, such as ``"he_normal"``."""
    check_initializer(name)
    rule, draw = name.split("_")
    deviation = VARIANCES[rule](max(fan_in, 1), max(fan_out, 1)) ** 0.5
    if draw == "normal":
        return rng.normal(0.0, deviation, shape)
    limit = 3.0**0.5 * deviation
    return rng.uniform(-limit, limit, shape)
