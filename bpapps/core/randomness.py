"""Random generators that are made when they are first used.

Making one takes longer than a step of a small net, and most nets draw nothing.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np


class LateGenerator:
    """What ``np.random.default_rng(seed)`` gives, from the first use on."""

    def __init__(self, *seed: int) -> None:
        self._seed = seed

    @cached_property
    def made(self) -> np.random.Generator:
        """The generator itself."""
        return np.random.default_rng(self._seed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.made, name)
