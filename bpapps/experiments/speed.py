"""How fast a model answers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from bpapps.experiments.probe import Probe
from bpapps.results import Speed


def clock(probe: Probe) -> Speed:
    """Measure how fast a probe's pictures are answered, all at once and one by one.

    The times are medians, after a first call that is not counted. Raises ValueError where there
    is no picture.
    """
    X, ask = probe.pictures, probe.ask
    if not len(X):
        raise ValueError("prediction speed needs at least one picture")
    one = X[:1]
    ask(one)
    return Speed(
        probe.title,
        probe.of,
        a_second=len(X) / _median_seconds(ask, X, probe.repeats),
        milliseconds_one=1000 * _median_seconds(ask, one, 5 * probe.repeats),
    )


def _median_seconds(ask: Callable[[Any], Any], X: Any, repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        ask(X)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
