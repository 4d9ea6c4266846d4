"""Distortions: each strength does its own thing, as strongly as asked, and nothing else."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from scipy import ndimage

from bpapps.estimators import BackpropClassifier
from bpapps.pictures.augment import Distortion, resample

SIDE = 41
DRAWS = 1500
CENTRE = (SIDE - 1) / 2
STRENGTHS = {
    "shift": 1.5,
    "rotation": 10.0,
    "scale": 0.1,
    "shear": 0.15,
    "elastic": 1.0,
    "thickness": 0.5,
    "gain": 0.2,
    "noise": 0.1,
}
ALL = Distortion((12, 9), **STRENGTHS)
EACH = [Distortion((12, 9), **{name: strength}) for name, strength in STRENGTHS.items()]
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE] - CENTRE


def blob(height: float = 3.0, width: float = 3.0) -> np.ndarray:
    """A Gaussian in the middle of a wide field, (1, SIDE, SIDE)."""
    return np.exp(-0.5 * ((ROWS / height) ** 2 + (COLUMNS / width) ** 2))[np.newaxis]


def draws(picture: np.ndarray, n: int = DRAWS, **strengths: float) -> np.ndarray:
    """Many distorted copies of a picture, (n, SIDE, SIDE)."""
    flat = np.repeat(picture.reshape(1, -1), n, axis=0)
    distort = Distortion((SIDE, SIDE), **strengths)
    return distort(flat, np.random.default_rng(0)).reshape(n, SIDE, SIDE)


def mean(values: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """The mean of a value of each pixel, weighted by its ink, for each picture."""
    return (values * pictures).sum(axis=(1, 2)) / pictures.sum(axis=(1, 2))


def pictures(n: int = 6, dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(5).random((n, 12 * 9)).astype(dtype)


@pytest.mark.parametrize("shape", [(12, 9), (8, 8), (7, 7), (1, 5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_strength_is_the_identity(shape: tuple[int, int], dtype: type) -> None:
    x = np.random.default_rng(0).random((3, shape[0] * shape[1])).astype(dtype)
    assert np.array_equal(Distortion(shape)(x, np.random.default_rng(0)), x)


@pytest.mark.parametrize("distort", [*EACH, ALL], ids=[*STRENGTHS, "all"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_contract(distort: Distortion, dtype: type) -> None:
    x = pictures(dtype=dtype)
    x.flags.writeable = False
    before = x.copy()
    result = distort(x, np.random.default_rng(1))
    assert (result.shape, result.dtype) == (x.shape, x.dtype)
    assert np.isfinite(result).all()
    assert np.array_equal(x, before)
    assert not np.shares_memory(result, x)
    assert not np.allclose(result, x, atol=1e-3)
    assert np.array_equal(result, distort(x, np.random.default_rng(1)))
    assert not np.array_equal(result, distort(x, np.random.default_rng(2)))


@pytest.mark.parametrize("distort", [*EACH, ALL], ids=[*STRENGTHS, "all"])
def test_each_picture_is_distorted_in_its_own_way(distort: Distortion) -> None:
    same = np.repeat(pictures(1), 4, axis=0)
    assert len(np.unique(distort(same, np.random.default_rng(0)), axis=0)) == 4


def test_takes_pictures_of_any_layout() -> None:
    x = pictures()
    flat = ALL(x, np.random.default_rng(0))
    square = ALL(x.reshape(-1, 12, 9, 1), np.random.default_rng(0))
    assert np.array_equal(square, flat.reshape(-1, 12, 9, 1))
    strided = np.asfortranarray(x)
    assert np.array_equal(ALL(strided, np.random.default_rng(0)), flat)


# --- what each strength does


def test_shift_moves_the_centre_of_mass() -> None:
    moved = draws(blob(), shift=2.0)
    np.testing.assert_allclose(moved.sum(axis=(1, 2)), blob().sum(), rtol=0.01)
    offsets = np.array([mean(ROWS, moved), mean(COLUMNS, moved)])
    np.testing.assert_allclose(offsets.std(axis=1), 2.0, rtol=0.07)
    np.testing.assert_allclose(offsets.mean(axis=1), 0.0, atol=0.2)
    assert abs(np.corrcoef(offsets)[0, 1]) < 0.1
    np.testing.assert_allclose(mean((ROWS - offsets[0][:, None, None]) ** 2, moved), 9.0, atol=0.3)


def test_rotation_turns_about_the_centre_and_keeps_the_mass() -> None:
    bar = blob(height=1.5, width=6.0)
    turned = draws(bar, rotation=12.0)
    np.testing.assert_allclose(turned.sum(axis=(1, 2)), bar.sum(), rtol=0.02)
    for axis in (ROWS, COLUMNS):
        np.testing.assert_allclose(mean(axis, turned), 0.0, atol=0.1)
    xx, yy, xy = (mean(v, turned) for v in (COLUMNS**2, ROWS**2, ROWS * COLUMNS))
    angles = np.rad2deg(0.5 * np.arctan2(2 * xy, xx - yy))
    assert angles.std() == pytest.approx(12.0, rel=0.07)
    assert angles.mean() == pytest.approx(0.0, abs=1.2)
    np.testing.assert_allclose(xx + yy, 36 + 2.25, rtol=0.03)


def test_scale_stretches_each_axis_by_itself() -> None:
    scaled = draws(blob(), scale=0.15)
    logs = np.log([mean(ROWS**2, scaled) / 9, mean(COLUMNS**2, scaled) / 9]) / 2
    np.testing.assert_allclose(logs.std(axis=1), 0.15, rtol=0.07)
    np.testing.assert_allclose(logs.mean(axis=1), 0.0, atol=0.02)
    assert abs(np.corrcoef(logs)[0, 1]) < 0.1
    np.testing.assert_allclose(mean(ROWS * COLUMNS, scaled), 0.0, atol=0.05)


def test_shear_slants_rows_and_keeps_them_in_place() -> None:
    sheared = draws(blob(), shear=0.2)
    np.testing.assert_allclose(mean(ROWS**2, sheared), 9.0, rtol=0.03)
    slants = mean(ROWS * COLUMNS, sheared) / mean(ROWS**2, sheared)
    assert slants.std() == pytest.approx(0.2, rel=0.07)
    assert slants.mean() == pytest.approx(0.0, abs=0.02)


def test_elastic_displacement_has_the_deviation_asked_for_everywhere() -> None:
    inner = slice(8, -8)
    fields = []
    for ramp in (ROWS, COLUMNS):  # a pixel's value says where it came from
        moved = draws(ramp[np.newaxis] + 100.0, elastic=1.2, smoothness=4.0)
        fields.append((moved - 100.0 - ramp)[:, inner, inner])
    for field in fields:
        deviations = field.std(axis=0)
        assert deviations.mean() == pytest.approx(1.2, rel=0.03)
        np.testing.assert_allclose(deviations, 1.2, rtol=0.12)
        np.testing.assert_allclose(field.mean(axis=0), 0.0, atol=0.15)
    # A Gaussian of deviation s over white noise correlates by exp(-d² / 4 s²) at distance d.
    for distance in (1, 4, 8):
        a, b = field[:, :, :-distance].ravel(), field[:, :, distance:].ravel()
        assert np.corrcoef(a, b)[0, 1] == pytest.approx(np.exp(-(distance**2) / 64), abs=0.04)
    assert abs(np.corrcoef(fields[0].ravel(), fields[1].ravel())[0, 1]) < 0.05


def test_thickness_blends_with_the_thicker_or_the_thinner_self() -> None:
    ring = (np.abs(np.hypot(ROWS, COLUMNS) - 10) < 2).astype(float)[np.newaxis]
    made = draws(ring, thickness=0.4)
    cross = ndimage.generate_binary_structure(2, 1)
    grown = ndimage.grey_dilation(ring[0], footprint=cross) - ring[0]
    shrunk = ring[0] - ndimage.grey_erosion(ring[0], footprint=cross)
    more, less = made[:, grown > 0], 1 - made[:, shrunk > 0]
    shares = more[:, 0] - less[:, 0]
    np.testing.assert_allclose(more, np.repeat(more[:, :1], more.shape[1], axis=1))
    np.testing.assert_allclose(less, np.repeat(less[:, :1], less.shape[1], axis=1))
    assert np.array_equal(more[:, 0] > 0, less[:, 0] == 0)  # the one or the other
    elsewhere = (grown == 0) & (shrunk == 0)
    assert np.array_equal(made[:, elsewhere], np.tile(ring[:, elsewhere], (DRAWS, 1)))
    assert np.abs(shares).max() <= 0.4
    assert shares.std() == pytest.approx(0.4 / np.sqrt(3), rel=0.07)
    assert shares.mean() == pytest.approx(0.0, abs=0.03)


def test_gain_scales_all_values() -> None:
    ratios = draws(blob(), gain=0.3) / blob()
    np.testing.assert_allclose(ratios, np.repeat(ratios[:, :1, :1], SIDE, 1).repeat(SIDE, 2))
    assert np.log(ratios[:, 0, 0]).std() == pytest.approx(0.3, rel=0.07)


def test_noise_is_white_and_has_its_deviation() -> None:
    noise = draws(blob(), n=100, noise=0.25) - blob()
    assert noise.std() == pytest.approx(0.25, rel=0.02)
    assert noise.mean() == pytest.approx(0.0, abs=0.005)
    assert abs((noise[:, 1:] * noise[:, :-1]).mean()) < 0.002
    assert abs((noise[1:] * noise[:-1]).mean()) < 0.002


# --- reading pictures at other places


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_resample_agrees_with_scipy(dtype: type) -> None:
    rng = np.random.default_rng(0)
    x = rng.random((4, 10, 7)).astype(dtype)
    inside = rng.uniform(0, 9, (4, 10, 7)), rng.uniform(0, 6, (4, 10, 7))
    across = rng.uniform(-3, 12, (4, 10, 7)), rng.uniform(-3, 9, (4, 10, 7))
    for (rows, columns), mode in ((inside, "constant"), (across, "grid-constant")):
        expected = [
            ndimage.map_coordinates(picture, place, order=1, mode=mode)
            for picture, *place in zip(x, rows, columns, strict=True)
        ]
        result = resample(x, rows, columns)
        assert result.dtype == dtype
        np.testing.assert_allclose(result, expected, atol=BORDER)


BORDER = 1.1e-3
"""How much of an edge's value may still be seen beyond it."""


@pytest.mark.parametrize("far", [-1.0, -50.0, -1e9, 12.0, 50.0, 1e9])
def test_beyond_the_border_there_is_nothing(far: float) -> None:
    x, place = np.ones((2, 10, 12)), np.full((2, 10, 12), 5.0)
    for rows, columns in ((np.full_like(place, far), place), (place, np.full_like(place, far))):
        assert np.abs(resample(x, rows, columns)).max() < BORDER


def test_resample_writes_to_none_of_its_arguments() -> None:
    arrays = [np.random.default_rng(i).random((2, 5, 5)).astype(np.float32) for i in range(3)]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    resample(*arrays)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


# --- as a value


@pytest.mark.parametrize("extra", [0, 2])
def test_all_pictures_may_be_distorted_alike(extra: int) -> None:
    distort = Distortion(
        (6, 7), shift=1, rotation=10, scale=0.1, shear=0.1, elastic=1, thickness=0.5, gain=0.2,
        noise=0.1, clean=0.3, lost=0.3, extra=extra, jitter=0.2,
    )  # fmt: skip
    x = np.random.default_rng(0).random((5, 42 + extra), dtype=np.float32)
    for seed in range(4):
        together = distort.alike(x, np.random.default_rng(seed))
        alone = [distort(row[None], np.random.default_rng(seed)) for row in x]
        assert np.allclose(together, np.concatenate(alone), atol=1e-6)


def test_values_that_are_no_pixels_only_get_noise() -> None:
    x = np.random.default_rng(0).random((200, 30 + 2), dtype=np.float32)
    plain = Distortion((5, 6), rotation=20)(x[:, :-2], np.random.default_rng(1))
    still = Distortion((5, 6), rotation=20, extra=2)(x, np.random.default_rng(1))
    assert np.array_equal(still[:, :-2], plain)
    assert np.array_equal(still[:, -2:], x[:, -2:])
    noisy = Distortion((5, 6), rotation=20, extra=2, jitter=0.3)(x, np.random.default_rng(1))
    assert (noisy - x)[:, -2:].std() == pytest.approx(0.3, rel=0.15)


def test_is_a_value() -> None:
    same = Distortion((12, 9), **STRENGTHS)
    assert same == ALL
    assert hash(same) == hash(ALL)
    assert same != replace(ALL, shift=0.0)
    assert repr(ALL).startswith("Distortion(shape=(12, 9), shift=1.5, rotation=10.0, scale=0.1, ")
    assert eval(repr(ALL)) == ALL
    assert pickle.loads(pickle.dumps(ALL)) == ALL
    with pytest.raises(FrozenInstanceError):
        ALL.shift = 1.0


def test_a_net_is_trained_on_distorted_pictures_and_predicts_plain_ones() -> None:
    x, y = pictures(40), np.arange(40) % 2
    net = BackpropClassifier((4,), max_iter=2, learning_rate="cosine")
    net.set_params(augment=ALL, random_state=0)
    one, two = (net.set_params(n_jobs=jobs).fit(x, y).predict_proba(x) for jobs in (1, 2))
    assert np.array_equal(one, two)
    assert not np.allclose(one, net.set_params(augment=None).fit(x, y).predict_proba(x))
