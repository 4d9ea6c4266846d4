"""Intervals of shares against published values."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bpapps.measures.intervals import Interval, long_interval, wilson

# a busy machine is no failure
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
    ],
)
def test_wilson_gives_the_published_intervals(successes, n, low, high):
    interval = wilson(successes, n)
    assert interval.value == successes / n
    assert interval.n == n
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@relaxed
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_wilson_is_ordered_inside_the_unit_interval(a, b):
    successes, n = min(a, b), max(a, b)
    interval = wilson(successes, n)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    assert n == 0 or (interval.low == 0) == (successes == 0)
    assert n == 0 or (interval.high == 1) == (successes == n)


def test_wilson_of_nothing_knows_nothing():
    assert wilson(0, 0) == Interval(0.0, 0.0, 1.0, 0)


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5), (0, -1)])
def test_wilson_refuses_impossible_counts(successes, n):
    with pytest.raises(ValueError, match="between 0 and n"):
        wilson(successes, n)


def test_an_interval_on_a_terminal():
    told = long_interval(wilson(894, 899))
    assert told == "99.44% (95% interval 98.70 to 99.76, n = 899)"
