"""Every corruption keeps one contract, whatever the size, the polarity or the severity."""

import pickle

import numpy as np
import pytest

from bpapps.pictures import noise
from bpapps.pictures.noise import CORRUPTIONS, MAX_SEVERITY

LOOKS = [((8, 8), "dark"), ((28, 28), "light"), ((20, 31), "dark")]
GEOMETRIC = ["rotation", "translation", "scale", "elastic"]

every = pytest.mark.parametrize("corruption", CORRUPTIONS.values(), ids=CORRUPTIONS)
every_look = pytest.mark.parametrize(("shape", "polarity"), LOOKS, ids=str)


def pictures(shape, n=40, polarity="light"):
    """Return blurred strokes of random place and slope, light on dark unless told otherwise."""
    rng = np.random.default_rng(3)
    y, x = (np.indices(shape) + 0.5) / np.array(shape)[:, None, None] - 0.5
    angle, offset = rng.uniform(0, np.pi, (n, 1, 1)), rng.uniform(-0.15, 0.15, (n, 1, 1))
    across = np.abs(np.cos(angle) * y + np.sin(angle) * x - offset)
    along = np.abs(np.cos(angle) * x - np.sin(angle) * y)
    stroke = np.exp(-((across / 0.1) ** 2)) * (along < 0.35)
    images = (stroke if polarity == "light" else 1 - stroke).astype(np.float32)
    images.flags.writeable = False
    return images


def test_the_corruptions_every_report_promises_are_there():
    asked = "gaussian shot impulse blur rotation translation scale contrast occlusion"
    assert {*asked.split(), "resolution", "ruled line", "stamp"} <= set(CORRUPTIONS)
    for name, corruption in CORRUPTIONS.items():
        assert corruption.name == name
        assert len(corruption.levels) == MAX_SEVERITY
        settings = [corruption.setting(s) for s in range(MAX_SEVERITY + 1)]
        assert len(set(settings)) == MAX_SEVERITY + 1, f"{name}: two severities read alike"


@every
@every_look
def test_contract(corruption, shape, polarity):
    images = pictures(shape, polarity=polarity)
    before = images.copy()
    for severity in range(MAX_SEVERITY + 1):
        out = corruption(images, severity, np.random.default_rng(7))
        assert out.dtype == np.float32
        assert out.shape == images.shape
        assert out.min() >= 0
        assert out.max() <= 1
        assert not np.shares_memory(out, images)
        again = corruption(images, severity, np.random.default_rng(7))
        assert np.array_equal(out, again), "same seed, other bits"
        other = corruption(images, severity, np.random.default_rng(8))
        fixed = severity == 0 or corruption.name in ("blur", "contrast", "resolution")
        if shape != (8, 8):  # there the weakest levels may round to nothing
            assert np.array_equal(out, other) == fixed
    assert np.array_equal(images, before)


@every
def test_severity_zero_is_the_identity_in_a_new_array(corruption):
    images = pictures((28, 28))
    out = corruption(images, 0, np.random.default_rng(0))
    assert np.array_equal(out, images)
    out[:] = 0.5  # and may be written to


@every
@every_look
def test_effect_grows_with_severity(corruption, shape, polarity):
    images = pictures(shape, n=400, polarity=polarity)
    effect = [
        np.abs(corruption(images, severity, np.random.default_rng(1)) - images).mean()
        for severity in range(MAX_SEVERITY + 1)
    ]
    assert effect[0] == 0
    assert np.all(np.diff(effect[1:]) > 0), effect
    assert effect[1] < 0.4 * effect[6], effect


@every
def test_few_and_tiny_pictures(corruption):
    for shape in ((0, 1, 1), (0, 28, 28), (1, 1, 1), (1, 1, 9), (1, 28, 28)):
        images = np.full(shape, 0.5, np.float32)
        out = corruption(images, 6, np.random.default_rng(0))
        assert out.shape == shape
        assert out.dtype == np.float32
        assert np.isfinite(out).all()


@pytest.mark.parametrize("name", GEOMETRIC)
@pytest.mark.parametrize("ground", [0.0, 0.3, 1.0])
def test_what_comes_in_from_outside_is_the_pictures_own_ground(name, ground):
    images = np.full((30, 20, 31), ground, np.float32)
    images[:, 8:12, 13:18] = 0.6
    out = CORRUPTIONS[name](images, 6, np.random.default_rng(0))
    lightest, darkest = max(ground, 0.6), min(ground, 0.6)
    assert out.max() <= lightest + 1e-6
    assert out.min() >= darkest - 1e-6
    corners = out[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_allclose(corners, ground, atol=1e-6)


def centre_of_mass(images):
    y, x = np.indices(images.shape[1:])
    total = images.sum(axis=(1, 2))
    return np.stack([(images * axis).sum(axis=(1, 2)) / total for axis in (y, x)], axis=1)


def spot(y, x, shape=(41, 51), sigma=2.0):
    rows, columns = np.indices(shape)
    gauss = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * sigma**2))
    return np.repeat(gauss[None].astype(np.float32), 64, axis=0)


def test_translation_moves_by_its_share_of_the_shorter_side_in_every_direction():
    images = spot(20, 25)
    moved = CORRUPTIONS["translation"](images, 3, np.random.default_rng(0))
    step = centre_of_mass(moved) - centre_of_mass(images)
    np.testing.assert_allclose(np.hypot(*step.T), 0.1 * 41, atol=0.05)
    assert {(a > 0, b > 0) for a, b in step} == {(p, q) for p in (0, 1) for q in (0, 1)}


def test_rotation_turns_by_its_angle_both_ways_and_keeps_distances():
    images = spot(20, 37)  # 12 columns to the right of the centre
    turned = CORRUPTIONS["rotation"](images, 3, np.random.default_rng(0))
    y, x = (centre_of_mass(turned) - (20, 25)).T
    np.testing.assert_allclose(np.hypot(y, x), 12, atol=0.05)
    angle = np.rad2deg(np.arctan2(y, x))
    np.testing.assert_allclose(np.abs(angle), 30, atol=0.3)
    assert angle.min() < 0 < angle.max()


def test_scale_moves_away_from_the_centre_or_towards_it():
    images = spot(20, 33)
    scaled = CORRUPTIONS["scale"](images, 4, np.random.default_rng(0))
    distance = (centre_of_mass(scaled) - (20, 25))[:, 1]
    near = np.isclose(distance, 8 / 1.5, atol=0.05)
    far = np.isclose(distance, 8 * 1.5, atol=0.05)
    assert np.all(near | far)
    assert near.any()
    assert far.any()


def test_elastic_moves_pixels_by_its_share_in_the_mean():
    ramp = np.broadcast_to(np.linspace(0, 1, 101, dtype=np.float32), (200, 101, 101))
    bent = CORRUPTIONS["elastic"](ramp, 2, np.random.default_rng(0))
    inner = (bent - ramp)[:, 20:-20, 20:-20] * 100  # a gray level of 0.01 is one pixel
    assert np.sqrt(2 * np.mean(inner**2)) == pytest.approx(0.04 * 101, rel=0.1)


def test_thickness_grows_strokes_to_all_sides_or_thins_them():
    block = np.zeros((50, 100, 100), np.float32)
    block[:, 48:53, 47:54] = 0.8
    grown, thinned = np.zeros((2, 100, 100), np.float32)
    grown[46:55, 45:56] = 0.8
    thinned[50, 49:52] = 0.8
    out = CORRUPTIONS["thickness"](block, 3, np.random.default_rng(0))  # 2 pixels of 100
    kinds = [next(k for k in (0, 1) if np.allclose(o, (grown, thinned)[k])) for o in out]
    assert set(kinds) == {0, 1}


def test_occlusion_covers_exactly_its_area_inside_the_picture():
    images = np.full((100, 20, 31), 0.5, np.float32)
    for severity, share in enumerate(CORRUPTIONS["occlusion"].levels, start=1):
        out = CORRUPTIONS["occlusion"](images, severity, np.random.default_rng(0))
        change = np.abs(out - 0.5)
        gray = change.max(axis=(1, 2))  # a whole pixel is covered from 5% on
        covered = change.sum(axis=(1, 2)) / gray / (20 * 31)
        np.testing.assert_allclose(covered, share, rtol=1e-3)


def test_impulse_touches_its_share_of_pixels_half_black_half_white():
    images = np.full((20, 50, 50), 0.5, np.float32)
    out = CORRUPTIONS["impulse"](images, 4, np.random.default_rng(0))
    assert np.mean(out == 0) == pytest.approx(0.1, abs=0.005)
    assert np.mean(out == 1) == pytest.approx(0.1, abs=0.005)
    assert np.mean(out == 0.5) == pytest.approx(0.8, abs=0.01)


def test_gray_noises_have_the_spread_they_claim():
    images = np.full((20, 50, 50), 0.5, np.float32)
    gauss = CORRUPTIONS["gaussian"](images, 1, np.random.default_rng(0))
    assert gauss.std() == pytest.approx(0.1, rel=0.02)
    shot = CORRUPTIONS["shot"](images, 1, np.random.default_rng(0))
    assert shot.mean() == pytest.approx(0.5, rel=0.01)
    assert shot.std() == pytest.approx(np.sqrt(0.5 / 30), rel=0.03)


def test_contrast_keeps_the_mean_and_shrinks_the_spread():
    images = pictures((28, 28))
    out = CORRUPTIONS["contrast"](images, 4, np.random.default_rng(0))
    np.testing.assert_allclose(out.mean(axis=(1, 2)), images.mean(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(out.std(axis=(1, 2)), 0.2 * images.std(axis=(1, 2)), rtol=1e-4)


def test_blur_has_the_width_it_claims_and_keeps_flat_pictures():
    images = np.zeros((1, 101, 101), np.float32)
    images[0, 50, 50] = 1
    out = CORRUPTIONS["blur"](images, 2, np.random.default_rng(0))[0]
    assert out.sum() == pytest.approx(1, rel=1e-4)
    variance = (out * (np.arange(101) - 50) ** 2).sum()
    assert np.sqrt(variance) == pytest.approx(0.04 * 101, rel=1e-3)
    flat = np.full((2, 9, 20), 0.7, np.float32)
    np.testing.assert_allclose(CORRUPTIONS["blur"](flat, 6, np.random.default_rng(0)), 0.7, 1e-6)


def test_resolution_keeps_flat_pictures_and_ramps_and_loses_fine_lines():
    flat = np.full((2, 9, 20), 0.7, np.float32)
    for severity in (1, 6):
        out = CORRUPTIONS["resolution"](flat, severity, np.random.default_rng(0))
        np.testing.assert_allclose(out, 0.7, 1e-5)
    ramp = np.tile(np.linspace(0, 1, 96, dtype=np.float32), (1, 48, 1))
    half = CORRUPTIONS["resolution"](ramp, 3, np.random.default_rng(0))
    np.testing.assert_allclose(half[:, :, 1:-1], ramp[:, :, 1:-1], atol=1e-5)
    stripes = np.zeros((1, 48, 96), np.float32)
    stripes[:, :, ::2] = 1  # finer than half the pixels can show
    half = CORRUPTIONS["resolution"](stripes, 3, np.random.default_rng(0))
    np.testing.assert_allclose(half, 0.5, atol=1e-5)


def on_paper(polarity, shape=(60, 100), n=50):
    """Return pictures with ink (gray 0.2 on 0.9 or the other way round) in the middle alone."""
    images = np.full((n, *shape), 0.9 if polarity == "dark" else 0.2, np.float32)
    images[:, 28:32, 40:60] = 1.1 - images[0, 0, 0]
    return images


@pytest.mark.parametrize("polarity", ["light", "dark"])
def test_a_ruled_line_crosses_the_whole_picture_with_the_inks_gray(polarity):
    images = on_paper(polarity)
    ground, ink = images[0, 0, 0], images[0, 30, 50]
    out = CORRUPTIONS["ruled line"](images, 5, np.random.default_rng(0))  # 3.6 pixels of 60
    drawn = (out[:, :, 0] - ground) / (ink - ground)
    np.testing.assert_allclose(drawn.sum(axis=1), 3.6, rtol=1e-3)
    assert np.array_equal(out[:, :, 0], out[:, :, -1])
    np.testing.assert_allclose(drawn.max(axis=1), 1, rtol=1e-5)
    assert np.ptp(drawn.argmax(axis=1)) > 40, "not at any height"
    np.testing.assert_allclose(out[:, 29:31, 45:55], ink, rtol=1e-5)


@pytest.mark.parametrize("polarity", ["light", "dark"])
@pytest.mark.parametrize("severity", [3, 6])
def test_a_stamp_is_half_dark_has_its_diameter_and_lies_inside(polarity, severity):
    images = on_paper(polarity)
    ground, ink = images[0, 0, 0], images[0, 30, 50]
    out = CORRUPTIONS["stamp"](images, severity, np.random.default_rng(0))
    cover = (out - ground) / (ink - ground)
    assert cover.min() > -1e-6, "a stamp never lightens"
    np.testing.assert_allclose(out[:, 28:32, 40:60], ink, rtol=1e-5)
    cover[:, 28:32, 40:60] = 0
    np.testing.assert_allclose(cover.max(axis=(1, 2)), 0.5, rtol=1e-5)
    diameter = CORRUPTIONS["stamp"].levels[severity - 1] * 60
    widths = np.array([np.ptp(np.flatnonzero(one.any(axis=0))) + 1 for one in cover])
    assert widths.max() <= diameter + 3
    assert widths.min() >= 0.85 * diameter - 1
    inner = np.mean(cover > 0.25, axis=(1, 2)) * 60 * 100 / (np.pi * diameter**2 / 4)
    assert np.all((inner > 0.2) & (inner < 0.75)), "a ring and bars, no disc"


BAD = [
    (np.zeros((28, 28)), 1, "shape"),
    (np.zeros((2, 0, 28)), 1, "shape"),
    (np.full((2, 8, 8), 255, np.uint8), 1, "divide"),
    (np.full((2, 8, 8), -0.1), 1, "gray"),
    (np.full((2, 8, 8), np.nan), 0, "gray"),
    (np.full((2, 8, 8), "a"), 1, "numbers"),
    (np.zeros((2, 8, 8)), 7, "severity"),
    (np.zeros((2, 8, 8)), -1, "severity"),
    (np.zeros((2, 8, 8)), 1.5, "severity"),
    (np.zeros((2, 8, 8)), None, "severity"),
]


@pytest.mark.parametrize(("images", "severity", "says"), BAD, ids=[b[2] + str(b[1]) for b in BAD])
def test_bad_input_is_named(images, severity, says):
    with pytest.raises(ValueError, match=says):
        CORRUPTIONS["gaussian"](images, severity, np.random.default_rng(0))


def test_an_unknown_name_lists_the_known_ones():
    assert noise.find("blur") is CORRUPTIONS["blur"]
    with pytest.raises(ValueError, match=r"'fog'.*gaussian, shot"):
        noise.find("fog")


def test_float64_and_numpy_integers_will_do():
    images = pictures((8, 8)).astype(np.float64)
    out = CORRUPTIONS["rotation"](images, np.int64(2), np.random.default_rng(0))
    assert out.dtype == np.float32


@every
def test_pictures_of_any_sizes_are_spoilt_one_by_one(corruption):
    some = [pictures(shape, n=1)[0] for shape in ((8, 8), (12, 30), (40, 9))]
    out = corruption.each(some, 3, np.random.default_rng(2))
    rng = np.random.default_rng(2)
    for given, spoilt in zip(some, out, strict=True):
        assert np.array_equal(spoilt, corruption(given[None], 3, rng)[0])


@every
def test_corruptions_travel_to_other_processes(corruption):
    assert pickle.loads(pickle.dumps(corruption)) == corruption
