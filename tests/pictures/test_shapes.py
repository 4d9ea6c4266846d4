"""Shapes: boxes, centres, neighbours and resampling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bpapps.pictures import shapes


def test_boxes_and_centres():
    mask = np.zeros((2, 9, 7), dtype=bool)
    mask[0, 2:5, 1:6] = True
    assert shapes.bounding_boxes(mask).tolist() == [[2, 1, 5, 6], [0, 0, 0, 0]]
    np.testing.assert_allclose(shapes.centres_of_mass(mask.astype(np.float32))[0], [3.5, 3.5])


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.float32, (2, 5, 9), elements=st.floats(0, 1, width=32)), st.floats(0.3, 4))
def test_resampling_keeps_the_ink(stack, scale):
    field = shapes.resample(
        stack, np.full(2, scale), np.tile([2.5, 4.5], (2, 1)), np.full((2, 2), 24.0), 48
    )
    assert field.min() >= 0
    np.testing.assert_allclose(field.max(initial=0), min(field.max(), stack.max()), atol=1e-5)
    # Enlarging samples the picture, so its mass is only near that of the original's.
    expected = stack.sum(axis=(1, 2)) * scale**2
    assert np.abs(field.sum(axis=(1, 2)) - expected).max() <= 0.35 * expected.max() + 1e-3


def test_resampling_to_the_same_place_changes_nothing():
    stack = np.random.default_rng(0).random((3, 8, 8), dtype=np.float32)
    same = np.full((3, 2), 4.0)
    np.testing.assert_allclose(shapes.resample(stack, np.ones(3), same, same, 8), stack, atol=1e-6)


@pytest.mark.parametrize(("which", "spread"), [(np.maximum, 1.0), (np.minimum, 0.0)])
def test_near_takes_the_extreme_of_what_touches(which, spread):
    values = np.full((5, 6), 1 - spread)
    values[0, 2] = spread
    expected = values.copy()
    expected[:2, 1:4] = spread
    np.testing.assert_array_equal(shapes.near(values, which), expected)
    assert values[1, 2] == 1 - spread


def test_places_are_those_of_nonzero():
    mask = np.random.default_rng(0).random((7, 5)) > 0.7
    np.testing.assert_array_equal(shapes.places(mask), np.nonzero(mask))
