"""A signature looks the same to the net, however it was scanned, lit, cut and photographed."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from tasks.signatures.drawn import (
    CEDAR,
    DISGUISES,
    bright,
    correlation,
    drawn,
    needs_cedar,
    on_desk,
    photo,
    ring,
    ruled,
)

from bpapps.tasks.signatures.paper import find_ink
from bpapps.tasks.signatures.placing import tilt
from bpapps.tasks.signatures.preprocess import SignatureNormalizer


@pytest.mark.slow
@pytest.mark.parametrize("name", [0, 1])
@pytest.mark.parametrize("disguise", DISGUISES)
def test_disguises_leave_the_row_as_it_was(disguise, name):
    change, least = DISGUISES[disguise]
    clean = SignatureNormalizer().transform([drawn(name)])
    row = SignatureNormalizer().transform([change(drawn(name))])
    assert correlation(row, clean) > least


@pytest.mark.parametrize("name", [0, 1])
@pytest.mark.parametrize("scale", [0.5, 2.5, 6])
def test_resolution_leaves_the_row_as_it_was(scale, name):
    clean = SignatureNormalizer().transform([drawn(name)])
    row = SignatureNormalizer().transform([drawn(name, scale=scale)])
    assert correlation(row, clean) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", [0, 1])
def test_a_phones_photo_gives_nearly_the_row_of_a_scan(name):
    # What is left of the ruled line turns it a little, so strokes may lie a pixel or two aside.
    rows = SignatureNormalizer().transform([drawn(name), photo(name)]).reshape(2, 96, 192)
    assert correlation(*gaussian_filter(rows, (0, 2, 2))) > 0.9


@pytest.mark.parametrize("name", [0, 1])
@pytest.mark.parametrize("angle", [-30, -10, 4, 25])
def test_a_signature_that_runs_up_or_down_is_turned_level(angle, name):
    askew = Image.fromarray(drawn(name, scale=2)).rotate(angle, expand=True, fillcolor=255)
    row = SignatureNormalizer().transform([askew]).reshape(96, 192)
    assert abs(np.rad2deg(tilt(np.argwhere(row > 0.3).T))) < 4


@pytest.mark.parametrize(
    ("height", "width", "angle", "expected"),
    [
        (20, 200, 0, 0),
        (20, 200, 15, 15),
        (20, 200, -40, -40),
        (200, 20, 0, 0),
        (200, 20, 15, -1),  # leaning, not running uphill
        (100, 100, 30, 0),
    ],
)
def test_the_tilt_of_a_bar(height, width, angle, expected):
    bar = Image.fromarray(np.full((height, width), 255, np.uint8))
    mask = np.asarray(bar.rotate(-angle, expand=True)) > 127  # Pillow turns it the other way
    assert np.rad2deg(tilt(np.argwhere(mask).T)) == pytest.approx(expected, abs=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", [0, 1])
@pytest.mark.parametrize("desk", [40, 110, 200])
@pytest.mark.parametrize("angle", [0, 2, 4, 8, 20])
def test_a_sheet_on_a_desk_gives_nearly_the_row_of_a_scan(angle, desk, name):
    scan = drawn(name, width=2.5, scale=1.4, paper=240, ink=100)
    askew = Image.fromarray(scan).rotate(angle, Image.Resampling.BICUBIC, True, fillcolor=240)
    rows = SignatureNormalizer().transform([askew, on_desk(scan, desk, angle)])
    assert correlation(*gaussian_filter(rows.reshape(2, 96, 192), (0, 2, 2))) > 0.9


@pytest.mark.parametrize("name", [0, 1])
def test_light_ink_on_a_dark_board_on_a_light_wall_stays_light(name):
    board = 255 - drawn(name, width=2.5, scale=1.4, margin=60)
    rows = SignatureNormalizer().transform([board, np.pad(board, 160, constant_values=230)])
    assert correlation(*gaussian_filter(rows.reshape(2, 96, 192), (0, 2, 2))) > 0.9


def test_other_signatures_stay_others():
    rows = SignatureNormalizer().transform([drawn(0), drawn(1)])
    assert correlation(*rows) < 0.5


@pytest.mark.parametrize(("height", "width"), [(96, 192), (48, 128), (64, 33)])
@pytest.mark.parametrize("strokes", ["as they are", "equal"])
def test_rows_are_float32_in_range_bright_on_nothing_and_margins_are_free(height, width, strokes):
    row = SignatureNormalizer(height, width, strokes).transform([drawn()])
    assert row.shape == (1, height * width)
    assert row.dtype == np.float32
    assert row.min() == 0
    assert 0.9 < row.max() <= 1
    field = row.reshape(height, width)
    assert np.mean(field > 0.1) < 0.4
    rows, columns = (np.flatnonzero(field.max(axis=axis) > 0.3) for axis in (1, 0))
    margins = rows[0], height - 1 - rows[-1], columns[0], width - 1 - columns[-1]
    assert min(margins) >= 1
    assert min(rows[0] + height - 1 - rows[-1], columns[0] + width - 1 - columns[-1]) <= 11
    assert abs(margins[0] - margins[1]) <= 3, "not in the middle"
    assert abs(margins[2] - margins[3]) <= 3, "not in the middle"


def test_the_aspect_is_kept():
    field = SignatureNormalizer().transform([ring(200, 70)]).reshape(96, 192) > 0.5
    rows, columns = np.flatnonzero(field.any(axis=1)), np.flatnonzero(field.any(axis=0))
    assert np.ptp(columns) / np.ptp(rows) == pytest.approx(200 / 70, rel=0.03)


def test_arrays_files_and_images_give_the_same(tmp_path):
    picture = drawn()
    Image.fromarray(picture).save(tmp_path / "a.png")
    given = [picture, bright(picture), Image.fromarray(picture), tmp_path / "a.png"]
    rows = [SignatureNormalizer().transform([one]) for one in given]
    rows += [SignatureNormalizer().transform(picture[None]), SignatureNormalizer().transform(given)]
    for row in rows:
        np.testing.assert_allclose(row, np.broadcast_to(rows[0], row.shape), atol=1e-6)


def test_input_is_not_written_to():
    for strokes in ("as they are", "equal"):
        for picture in (bright(ruled(drawn()) * 255), bright(drawn(scale=3))):
            before = picture.copy()
            picture.flags.writeable = False
            SignatureNormalizer(strokes=strokes).transform([picture])
            assert np.array_equal(picture, before)


def test_rows_of_its_own_pass_as_they_are():
    one = SignatureNormalizer()
    rows = one.transform([drawn(0), drawn(1)])
    assert one.transform(rows) is rows
    assert make_pipeline(one, SignatureNormalizer()).fit_transform([drawn()]).shape == (1, 96 * 192)
    with pytest.raises(ValueError, match="not a square"):
        SignatureNormalizer(48, 96).transform(rows)


def test_parameters_are_kept_and_checked():
    one = SignatureNormalizer(height=48, width=100, strokes="equal")
    assert one.get_params() == {"height": 48, "width": 100, "strokes": "equal"}
    assert clone(one).get_params() == one.get_params()
    with pytest.raises(ValueError, match="strokes='thin'"):
        SignatureNormalizer(strokes="thin").fit([])
    with pytest.raises(ValueError, match="height=5"):
        SignatureNormalizer(height=5).transform([drawn()])


def test_no_pictures_give_no_rows():
    assert SignatureNormalizer().transform([]).shape == (0, 96 * 192)


def odd_pictures():
    rng = np.random.default_rng(0)
    yield "white", np.full((100, 200), 255, np.uint8)
    yield "black", np.zeros((100, 200), np.uint8)
    yield "gray ramp", np.tile(np.linspace(0.2, 0.9, 300), (100, 1))
    yield "noise", rng.random((100, 200))
    yield "least", rng.random((4, 4))
    yield "a row", rng.random((4, 300))
    yield "one pixel", np.pad([[1.0]], 40)
    yield "a line alone", ruled(np.full((100, 200), 255, np.uint8))
    yield "half and half", np.repeat([0.0, 1.0], 100)[None].repeat(80, axis=0)


@pytest.mark.parametrize(("what", "picture"), list(odd_pictures()))
@pytest.mark.parametrize("strokes", ["as they are", "equal"])
def test_odd_pictures_give_rows_in_range(what, picture, strokes):
    row = SignatureNormalizer(strokes=strokes).transform([picture])
    assert np.isfinite(row).all()
    assert row.min() >= 0
    assert row.max() <= 1
    if what in ("white", "black", "gray ramp", "a line alone"):
        assert not row.any()


def block():
    picture = np.full((150, 300), 240, np.uint8)
    picture[40:110, 80:220] = 20
    return picture


def dot():
    picture = np.full((150, 300), 240, np.uint8)
    picture[70:74, 150:154] = 20
    return picture


UNFIT = {
    "no ink was found": np.full((100, 200), 255, np.uint8),
    "no ink was found ": np.tile(np.linspace(0.2, 0.9, 300), (100, 1)),
    "the ink is one solid block": block(),
    "the ink is one solid block ": 255 - block(),
    "the ink is only a dot": dot(),
    "no ink stands out from the grain": np.random.default_rng(0).normal(0.5, 0.02, (150, 300)),
    "no ink stands out from the grain ": np.random.default_rng(0).normal(0.5, 0.12, (150, 300)),
}


@pytest.mark.parametrize("says", UNFIT)
def test_what_cannot_be_a_signature_is_named(says):
    assert SignatureNormalizer().inspect(UNFIT[says]) == says.strip()


@pytest.mark.parametrize("name", [0, 1])
@pytest.mark.parametrize("disguise", DISGUISES)
def test_signatures_pass_inspection(disguise, name):
    assert SignatureNormalizer().inspect(DISGUISES[disguise][0](drawn(name))) is None


def test_specks_do_not_move_the_crop():
    picture = np.pad(drawn(), 60, constant_values=255)
    specked = picture.copy()
    for y, x in ((8, 10), (200, 15), (12, 380), (240, 385), (120, 8)):
        specked[y : y + 2, x : x + 3] = 60
    rows = SignatureNormalizer().transform([picture, specked])
    assert correlation(*rows) > 0.98


def test_a_far_speck_too_large_to_drop_does_not_set_the_scale():
    picture = np.pad(drawn(), 100, constant_values=255)
    blotted = picture.copy()
    side = round((0.006 * find_ink(bright(picture)).mask.sum()) ** 0.5)
    blotted[20 : 20 + side, 20 : 20 + side] = 40
    ink = find_ink(bright(blotted))
    assert ink.mask[:50].any(), "the speck was dropped: this shows nothing"
    rows = SignatureNormalizer().transform([picture, blotted])
    assert correlation(*rows) > 0.95


@needs_cedar
def test_cedars_signatures_all_fill_the_field():
    files = sorted(CEDAR.glob("full_*/*.png"))[::40]
    rows = SignatureNormalizer().transform(files).reshape(-1, 96, 192)
    inked = np.mean(rows > 0.3, axis=(1, 2))
    assert inked.min() > 0.01
    assert inked.max() < 0.25
    tall = np.array([np.ptp(np.flatnonzero(f.max(axis=1) > 0.3)) + 1 for f in rows])
    wide = np.array([np.ptp(np.flatnonzero(f.max(axis=0) > 0.3)) + 1 for f in rows])
    assert np.all((tall >= 80) | (wide >= 165))
    assert all(SignatureNormalizer().inspect(file) is None for file in files)
