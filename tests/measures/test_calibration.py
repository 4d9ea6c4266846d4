"""Calibration against values made by hand."""

import numpy as np
import pytest

from bpapps.measures.calibration import calibration


def test_calibration_by_hand():
    # bins of 1/15: 0.95 and 1.0 fall into the last, 0.6 exactly on the edge of the tenth
    probabilities = [[0.95, 0.05], [1.0, 0.0], [0.6, 0.4], [0.38, 0.62]]
    truth = ["x", "y", "x", "y"]
    found = calibration(probabilities, truth, ["x", "y"])
    assert [(b.n, b.accuracy) for b in found.bins] == [(2, 1.0), (2, 0.5)]
    assert [b.confidence for b in found.bins] == pytest.approx([0.61, 0.975])
    assert [(b.low, b.high) for b in found.bins] == [
        (pytest.approx(9 / 15), pytest.approx(10 / 15)),
        (pytest.approx(14 / 15), 1.0),
    ]
    assert found.ece == pytest.approx(0.5 * 0.39 + 0.5 * 0.475)


def test_an_honest_forecaster_is_calibrated():
    rng = np.random.default_rng(0)
    p = rng.uniform(0, 1, 20_000)
    truth = (rng.random(20_000) < p).astype(int)
    assert calibration(np.stack([1 - p, p], axis=1), truth, [0, 1]).ece < 0.015
