"""Traits of a signature measure what they say."""

import numpy as np
import pytest
from tasks.signatures.drawn import drawn, ring

from bpapps.tasks.signatures.traits import TRAITS, traits


def test_traits_measure_what_they_say():
    picture = ring(160, 60, paper=230, ink=55)
    found = traits([picture])
    assert tuple(found) == TRAITS
    expected = {
        "left margin": 50, "top margin": 30, "right margin": 50, "bottom margin": 30,
        "stroke width": 4, "ink gray": 55 / 255, "gray spread": 0, "aspect": 160 / 60,
        "ink area": (picture == 55).sum(), "picture height": 120, "picture width": 260,
    }  # fmt: skip
    for trait, value in expected.items():
        assert found[trait].shape == (1,)
        assert found[trait][0] == pytest.approx(
            value, rel=0.15, abs=2 if "margin" in trait else 0.1
        )


def test_traits_are_in_the_given_pictures_pixels():
    small, large = traits([drawn()]), traits([drawn(scale=5)])
    for trait in TRAITS:
        factor = (
            25 if "area" in trait else 1 if trait in ("ink gray", "gray spread", "aspect") else 5
        )
        assert large[trait][0] == pytest.approx(factor * small[trait][0], rel=0.2, abs=0.05)


def test_traits_of_a_blank_picture_are_its_sides_alone():
    found = traits([np.full((50, 90), 255, np.uint8)])
    assert {trait: value[0] for trait, value in found.items() if value[0]} == {
        "picture height": 50,
        "picture width": 90,
    }
    assert all(values.shape == (0,) for values in traits([]).values())
