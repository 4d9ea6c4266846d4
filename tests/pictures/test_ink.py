"""Ink is found under any light, and parted from paper, specks and grain."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from bpapps.pictures.ink import count_pieces, drop_specks, find_ink, otsu, quantile, smooth


def letter(h=40, w=36):
    """An L in ink 1 on paper 0, and its mask."""
    mask = np.zeros((h, w), dtype=bool)
    mask[8:31, 9:13] = mask[27:31, 9:26] = True
    return mask


Y, X = np.mgrid[-1:1:40j, -1:1:36j]
LIGHTS = {
    "even": 0.8 + 0 * X,
    "plane": 0.7 + 0.15 * X - 0.1 * Y,
    "lamp": 0.9 - 0.2 * (X**2 + Y**2),
    "shadow": np.where(X + 0.4 * Y > 0.1, 0.6, 0.85),
}


@pytest.mark.parametrize("light_ink", [False, True], ids=["dark ink", "light ink"])
@pytest.mark.parametrize("noise", [0, 0.03])
@pytest.mark.parametrize("light", LIGHTS.values(), ids=LIGHTS)
def test_ink_is_found_under_any_light(light, noise, light_ink):
    mask = letter()
    picture = light - 0.4 * mask + noise * np.random.default_rng(0).normal(size=mask.shape)
    picture = (1 - picture if light_ink else picture).astype(np.float32)
    ink = find_ink(picture[None])
    assert not ink.blank[0]
    assert ink.clear[0]
    assert np.abs(ink.boxes[0] - (8, 9, 31, 26)).max() <= 1
    assert (ink.mask[0] == mask).mean() > 0.97
    inside, outside = ink.contrast[0][mask].mean(), ink.contrast[0][~mask].mean()
    assert inside - outside > 0.3
    assert ink.noise[0] == pytest.approx(noise, abs=0.015)


@pytest.mark.parametrize(
    "picture",
    [np.full((30, 30), v) for v in (0, 0.5, 1)]
    + [np.tile(np.linspace(0.2, 0.9, 30), (30, 1))]
    + [0.7 + 0.004 * np.random.default_rng(0).normal(size=(30, 30))],
    ids=["black", "gray", "white", "gradient", "paper"],
)
def test_an_even_surface_is_blank(picture):
    assert find_ink(picture[None].astype(np.float32)).blank[0]


@pytest.mark.parametrize("sigma", [0.05, 0.2, 0.4])
def test_grain_alone_is_not_clear_ink(sigma):
    rng = np.random.default_rng(0)
    grain = np.clip(0.5 + sigma * rng.normal(size=(50, 33, 32)), 0, 1).astype(np.float32)
    assert find_ink(grain).clear.mean() < 0.05


def test_a_picture_is_the_same_alone_and_among_others():
    rng = np.random.default_rng(0)
    stack = (LIGHTS["plane"] - 0.4 * letter() + 0.05 * rng.normal(size=(5, 40, 36))).astype("f4")
    together, alone = find_ink(stack), find_ink(stack[2:3])
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(a[2], b[0], atol=1e-5)


def test_specks_and_what_hangs_in_from_the_edge_are_dropped():
    mask = letter()
    kept = mask.copy()
    mask[3, 30] = True  # a speck
    mask[39, 2:30] = True  # a ruled line
    found = drop_specks(mask[None], np.ones((1, *mask.shape), dtype=np.float32))
    assert (found[0] == kept).all()
    assert count_pieces(np.stack([mask, kept])).tolist() == [3, 1]
    assert count_pieces(mask[None], least=0.002).tolist() == [2]  # not the speck


def test_a_tight_crop_keeps_its_pieces():
    five = np.zeros((12, 9), dtype=bool)
    five[0, 2:9] = five[2:12, 1:4] = True
    found = drop_specks(five[None], np.ones((1, 12, 9), dtype=np.float32))
    assert (found[0] == five).all()


def test_otsu_parts_two_heaps():
    rng = np.random.default_rng(0)
    low, high = 0.2 + 0.02 * rng.normal(size=300), 0.8 + 0.02 * rng.normal(size=100)
    stack = np.concatenate([low, high]).reshape(1, 20, 20).astype(np.float32)
    assert 0.25 < otsu(np.concatenate([stack, stack]))[1] < 0.77


@pytest.mark.parametrize("share", [0.0, 0.5, 0.8, 0.99])
def test_a_quantile_is_a_value_that_so_many_are_below(share):
    values = np.random.default_rng(0).permutation(np.arange(2000, dtype=np.float32)).reshape(2, -1)
    found = quantile(values, share)
    assert np.isin(found, values).all()
    assert (values < found[:, None]).mean(axis=1) == pytest.approx(share)


@pytest.mark.parametrize(("mirrored", "mode"), [(False, "nearest"), (True, "reflect")])
@pytest.mark.parametrize("shape", [(3, 9, 14), (2, 64, 30), (2, 128, 30), (1, 20, 129)])
@pytest.mark.parametrize("sigma", [0.5, 4.0])
def test_small_pictures_are_blurred_as_large_ones_are(shape, sigma, mirrored, mode):
    stack = np.random.default_rng(0).random(shape, dtype=np.float32)
    expected = gaussian_filter(stack, (0, sigma, sigma), mode=mode, truncate=2.5)
    found = smooth(stack, sigma, mirrored)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
