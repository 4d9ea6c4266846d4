"""Schedules give a share of the peak rate: their bounds, their ends and known values."""

from typing import Any

import pytest

from bpapps.core import SCHEDULES, Constant, Cosine, InverseScaling, OneCycle, Step, Warmup

TABLE = [
    *SCHEDULES.values(),
    Step(0.5, 4),
    Cosine(0.1),
    Warmup(Step(), 0.3),
    Warmup(OneCycle(0.0), 0.5),
    Warmup(Constant(), 0.0),
    OneCycle(0.0),
    OneCycle(0.5, 0.1),
    InverseScaling(),
    InverseScaling(1.0),
]


@pytest.mark.parametrize("schedule", TABLE, ids=str)
def test_shares_lie_above_0_and_at_most_at_1(schedule: Any) -> None:
    for total in (1, 2, 3, 7, 100, 1000):
        shares = [schedule(step, total) for step in range(total)]
        assert min(shares) > 0, total
        assert max(shares) <= 1, total
        assert all(isinstance(share, float) for share in shares)


@pytest.mark.parametrize("schedule", TABLE, ids=str)
def test_the_peak_is_reached(schedule: Any) -> None:
    assert max(schedule(step, 1000) for step in range(1000)) == pytest.approx(1)


@pytest.mark.parametrize("schedule", TABLE, ids=str)
def test_nothing_rises_after_the_peak(schedule: Any) -> None:
    shares = [schedule(step, 200) for step in range(200)]
    peak = shares.index(max(shares))
    assert shares[: peak + 1] == sorted(shares[: peak + 1])
    assert shares[peak:] == sorted(shares[peak:], reverse=True)


KNOWN = [
    (Constant(), 10, {0: 1, 5: 1, 9: 1}),
    (Step(), 9, {0: 1, 2: 1, 3: 0.1, 5: 0.1, 6: 0.01, 8: 0.01}),
    (Step(0.5, 1), 10, {0: 1, 4: 1, 5: 0.5, 9: 0.5}),
    (Step(0.5, 0), 10, {0: 1, 9: 1}),
    (Cosine(), 100, {0: 1, 25: 0.5 + 2**-1.5, 50: 0.5, 75: 0.5 - 2**-1.5}),
    (Cosine(0.2), 100, {0: 1, 50: 0.6, 99: 0.2001973936}),
    (Warmup(Constant(), 0.1), 90, {0: 0.1, 1: 0.2, 8: 0.9, 9: 1, 89: 1}),
    (Warmup(Cosine(), 0.5), 200, {0: 1 / 101, 99: 100 / 101, 100: 1, 150: 0.5}),
    (OneCycle(0.2, 0.1), 100, {0: 0.1, 10: 0.55, 20: 1, 60: 0.5, 99: 0.000385}),
    (InverseScaling(), 10, {0: 1, 3: 0.5, 8: 1 / 3}),
    (InverseScaling(1.0), 10, {0: 1, 3: 0.25}),
]


@pytest.mark.parametrize(("schedule", "total", "shares"), KNOWN, ids=str)
def test_known_values(schedule: Any, total: int, shares: dict) -> None:
    for step, share in shares.items():
        assert schedule(step, total) == pytest.approx(share, abs=1e-6)
