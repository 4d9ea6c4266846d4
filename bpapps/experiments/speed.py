"""How fast a model predicts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any


def prediction_speed(predict: Callable[[Any], Any], X: Any, repeats: int = 5) -> dict[str, float]:
    """Measure how fast a net answers, as medians, after a first call that is not counted.

    ``pictures_per_second`` is the rate of one call with all of ``X``, ``milliseconds_one`` the
    time of a call with one picture: the two fields of ``Results.speed``.
    """
    if not len(X):
        raise ValueError("prediction speed needs at least one picture")
    one = X[:1]
    predict(one)
    return {
        "pictures_per_second": len(X) / _median_seconds(predict, X, repeats),
        "milliseconds_one": 1000 * _median_seconds(predict, one, 5 * repeats),
    }


def _median_seconds(predict: Callable[[Any], Any], X: Any, repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        predict(X)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
