"""Errors per character, and their interval over lines."""

import math

import pytest

from bpapps.measures.intervals import wilson
from bpapps.measures.strings import error_rate


def test_error_rate_is_over_characters_and_its_interval_over_lines():
    rate = error_rate([1, 0, 3, 0] * 25, [10, 10, 20, 10] * 25)
    assert (rate.value, rate.n) == (0.08, 1250)
    # the ratio's standard error by hand: errors - 0.08 * length deviates by 0.906 a line
    half = 1.96 * 0.906 * math.sqrt(100) / 1250
    assert (rate.low, rate.high) == pytest.approx((0.08 - half, 0.08 + half), abs=0.002)
    assert error_rate([0, 0], [8, 12]) == wilson(0, 20)
    assert error_rate([30], [10]).value == 3


@pytest.mark.parametrize(("errors", "lengths"), [([], []), ([1], [0]), ([1, 2], [3])])
def test_error_rate_needs_lines(errors, lengths):
    with pytest.raises(ValueError, match="each line needs"):
        error_rate(errors, lengths)
