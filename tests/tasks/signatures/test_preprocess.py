"""A signature looks the same to the net, however it was scanned, lit, cut and photographed."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter, grey_closing, label
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from bpapps.tasks.signatures.paper import _closed_down, find_ink, to_working_size
from bpapps.tasks.signatures.placing import tilt
from bpapps.tasks.signatures.preprocess import SignatureNormalizer
from bpapps.tasks.signatures.ruled import drop_lines
from bpapps.tasks.signatures.thinning import thin
from bpapps.tasks.signatures.traits import TRAITS, traits

DATA = Path(os.environ.get("BPAPPS_DATA") or "nowhere")
CEDAR = DATA / "cedar"
needs_cedar = pytest.mark.skipif(not CEDAR.is_dir(), reason="CEDAR is not in BPAPPS_DATA")

# Strokes through these points, x and y, each from pen down to pen up.
NAMES = (
    (
        [
            (10, 70),
            (35, 15),
            (45, 20),
            (30, 75),
            (60, 50),
            (75, 72),
            (90, 45),
            (105, 75),
            (125, 40),
        ],
        [(120, 60), (150, 50), (165, 75), (180, 45), (200, 72), (235, 55)],
        [(40, 92), (120, 84), (210, 96)],
    ),
    (
        [(15, 20), (12, 80), (40, 60), (60, 78), (80, 30), (70, 80), (110, 62)],
        [(105, 30), (150, 28), (125, 30), (128, 85), (150, 60), (175, 80), (225, 40)],
        [(95, 50), (99, 51)],
    ),
)


def drawn(name=0, width=3, scale=1.0, margin=20, paper=255, ink=40):
    """A signature in dark ink on even paper, (h, w) uint8; ``scale`` pixels to a point."""
    fine = 4  # drawn larger and shrunk, for smooth edges
    size = ((245 + 2 * margin) * scale * fine, (105 + 2 * margin) * scale * fine)
    image = Image.new("L", tuple(round(s) for s in size), paper)
    pen = ImageDraw.Draw(image)
    radius = width * scale * fine / 2
    for points in NAMES[name]:
        at = np.linspace(0, len(points) - 1, 3000)
        path = CubicSpline(np.arange(len(points)), (np.array(points) + margin) * scale * fine)(at)
        for x, y in path:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)
    return np.array(image.reduce(fine))


def bright(picture):
    """A picture of bytes as brightness in [0, 1]."""
    return picture.astype(np.float32) / 255


def lit(picture, darkest=0.35):
    """Light that falls off towards a corner."""
    y, x = (np.linspace(0, 1, side)[:, None] for side in picture.shape)
    return bright(picture) * (1 - (1 - darkest) * (0.6 * y + 0.4 * x.T))


def shadowed(picture):
    """The shadow of a hand, with an edge that runs askew."""
    y, x = np.indices(picture.shape)
    inside = 0.8 * x + 0.6 * y > 0.5 * picture.shape[1] + 0.3 * len(picture)
    return bright(picture) * (1 - 0.45 * gaussian_filter(inside.astype(float), 2))


def textured(picture, deviation=0.04):
    """The fibres of rough paper, and a sensor's noise."""
    rng = np.random.default_rng(0)
    fibres = gaussian_filter(rng.normal(size=picture.shape), 1)
    fibres *= deviation / fibres.std()
    return np.clip(0.95 * bright(picture) + fibres + rng.normal(0, 0.01, picture.shape), 0, 1)


def squeezed(gray, quality=40):
    """Through JPEG, gray in [0, 1] or colour."""
    file = io.BytesIO()
    Image.fromarray((np.clip(gray, 0, 1) * 255).astype(np.uint8)).save(
        file, "JPEG", quality=quality
    )
    return np.array(Image.open(file))


def tinted(gray, tint):
    return gray[..., None] * np.array(tint)


def blue_ink(picture):
    """Blue ink on white paper."""
    return np.stack([bright(picture), 0.3 + 0.7 * bright(picture), 0.6 + 0.4 * bright(picture)], -1)


def ruled(picture, at=0.9, tilt=0.01, ink=0.2):
    """A line of three pixels, or of a hundredth of the height, across the picture."""
    y, x = np.indices(picture.shape)
    off = np.abs(y - at * len(picture) - tilt * (x - picture.shape[1] / 2))
    cover = np.clip(0.5 + max(1, len(picture) / 200) - off, 0, 1)
    return bright(picture) * (1 - cover) + ink * cover


def photo(name):
    """All of it at once, in 12 megapixels."""
    large = drawn(name, scale=8, margin=125)
    large = np.pad(large, ((0, 3000 - len(large)), (0, 4000 - large.shape[1])), constant_values=255)
    fibres = textured(ruled(large, at=0.55) * 255, 0.02)
    y = np.linspace(1, 0.5, len(large))[:, None]
    return squeezed(tinted(fibres * y, (1, 0.97, 0.85)))


def on_desk(picture, desk, angle):
    """A sheet of 560 by 840 pixels, written on in its middle, on a desk, photographed askew."""
    sheet = np.full((560, 840), 240, np.uint8)
    top, left = (side // 2 for side in np.subtract(sheet.shape, picture.shape))
    sheet[top : top + len(picture), left : left + picture.shape[1]] = picture
    turned = Image.fromarray(np.pad(sheet, ((120, 120), (180, 180)), constant_values=desk)).rotate(
        angle, Image.Resampling.BICUBIC, fillcolor=desk
    )
    return np.clip(
        bright(np.array(turned)) + np.random.default_rng(0).normal(0, 0.01, turned.size[::-1]), 0, 1
    )


def correlation(a, b):
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


DISGUISES = {
    "light ink on dark": (lambda p: 255 - p, 0.99),
    "pale": (lambda p: 0.8 + 0.2 * bright(p), 0.99),
    "dim": (lambda p: 0.3 * bright(p), 0.99),
    "gradient": (lit, 0.97),
    "steep gradient": (lambda p: lit(p, 0.15), 0.95),
    "light ink, uneven": (lambda p: 1 - lit(p), 0.9),
    "shadow": (shadowed, 0.95),
    "yellow light": (lambda p: tinted(bright(p), (1, 0.95, 0.7)), 0.99),
    "blue light": (lambda p: tinted(lit(p), (0.7, 0.85, 1)), 0.97),
    "blue ink": (blue_ink, 0.98),
    "JPEG": (lambda p: squeezed(bright(p)), 0.97),
    "JPEG of blue ink": (lambda p: squeezed(blue_ink(p)), 0.95),
    "texture": (textured, 0.9),
    "ruled": (ruled, 0.97),
    "ruled, tilted": (lambda p: ruled(p, tilt=-0.05), 0.97),
    "wide margin": (lambda p: np.pad(p, 150, constant_values=255), 0.95),
    "off centre": (lambda p: np.pad(p, ((0, 90), (200, 0)), constant_values=255), 0.95),
    "four channels": (lambda p: np.dstack([p, p, p, np.full_like(p, 255)]), 0.99),
}


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


# ------------------------------------------------------------------ contract


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


def ring(width, height, paper=255, ink=0):
    """An oval of these outer sides, 4 pixels thick, 50 from the left and 30 from the top."""
    image = Image.new("L", (width + 100, height + 60), paper)
    box = (50, 30, 49 + width, 29 + height)
    ImageDraw.Draw(image).ellipse(box, outline=ink, width=4)
    return np.array(image)


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


# ------------------------------------------------------------------ ruled lines


def along(mask, share):
    """The ink in the row at a share of the height, of a mask."""
    return mask[round(share * len(mask))].sum()


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("thick", [1, 2, 4, 8])
def test_a_ruled_line_goes_and_the_strokes_that_cross_it_stay(upright, thick):
    mask = np.zeros((120, 250), bool)
    mask[20:100, 60:64] = mask[30:110, 150:153] = True  # strokes
    lined = mask.copy()
    lined[80 : 80 + thick] = True
    if upright:
        mask, lined = mask.T, lined.T
    out = drop_lines(lined)
    assert np.array_equal(out & mask, mask), "a stroke was eaten"
    assert (out & ~mask).sum() < 0.05 * (lined & ~mask).sum(), "the line was left"


def strokes():
    """Two upright strokes, and what each row and column is."""
    mask = np.zeros((300, 400), bool)
    mask[60:250, 100:104] = mask[90:210, 250:253] = True
    return mask, *np.indices(mask.shape)


def many(y, x):
    return (y % 23 < 2) & (y > 10)  # 13


def many_askew(y, x):
    return ((y - x // 25) % 23 < 2) & (y > 10)


def few(y, x):
    return y % 60 == 20


LINES = {"many": many, "many askew": many_askew, "few": few}


@pytest.mark.parametrize("lines", LINES)
def test_all_ruled_lines_go(lines):
    mask, y, x = strokes()
    printed = LINES[lines](y, x) & ~mask
    out = drop_lines(mask | printed)
    assert np.array_equal(out & mask, mask), "a stroke was eaten"
    assert (out & printed).sum() < 0.05 * printed.sum(), "lines were left"


def test_a_line_that_stays_does_not_hide_those_that_go():
    mask, y, x = strokes()
    above, below = np.random.default_rng(0).integers(0, 6, (2, mask.shape[1]))
    ragged = (y >= 110 - above) & (y <= 112 + below)  # drawn by hand, from edge to edge
    printed = few(y, x) & ~mask
    out = drop_lines(mask | printed | ragged)
    assert out[110:113].all(), "what was drawn by hand went"
    assert (out & printed).sum() < 0.05 * printed.sum(), "lines were left"


def test_a_line_goes_though_writing_beside_it_bends_the_first_fit():
    mask = np.zeros((120, 400), bool)
    mask[100] = True
    mask[95:100, 60:200:3] = True
    out = drop_lines(mask)
    assert not out[100, 220:].any()


@pytest.mark.parametrize("askew", [0, 0.02])
def test_a_printed_box_goes_and_a_writers_own_upright_stays(askew):
    mask, y, x = strokes()
    down, along = y - 150 + askew * (x - 200), x - 200 - askew * (y - 150)
    upright = (abs(along) < 151.5) & (abs(down) < 111.5)
    box = upright & ((abs(along) > 148.5) | (abs(down) > 108.5))
    out = drop_lines(mask | box)
    assert np.array_equal(out & mask, mask), "a stroke was eaten"
    assert (out & box & ~mask).sum() < 0.05 * box.sum()
    assert np.array_equal(drop_lines(mask), mask)


def test_a_ruled_line_through_a_signature_leaves_the_signature():
    clean = find_ink(bright(drawn()))
    struck = find_ink(ruled(drawn(), at=0.55, tilt=0.02).astype(np.float32))
    assert (struck.mask & clean.mask).sum() > 0.9 * clean.mask.sum()
    assert (struck.mask & ~clean.mask).sum() < 0.1 * clean.mask.sum()


def test_a_printed_line_longer_than_the_signature_goes_and_an_underline_stays():
    picture = np.pad(drawn(), 40, constant_values=255)
    printed = picture.copy()
    printed[170:172, 45:320] = 90
    rows = SignatureNormalizer().transform([picture, printed])
    assert correlation(*rows) > 0.95
    own = find_ink(bright(picture)).mask  # the third stroke underlines the name
    assert own[140:162, 100:270].any(axis=0).mean() > 0.95


@pytest.mark.parametrize("row", [130, 136, 141])
def test_a_printed_line_darker_than_the_pen_does_not_hide_the_pen(row):
    pale = drawn(ink=200)
    printed = pale.copy()
    printed[row : row + 4] = 0
    rows = SignatureNormalizer().transform([pale, printed])
    assert correlation(*rows) > 0.95


def test_an_edge_of_another_sheet_does_not_count():
    picture = drawn()
    edged = np.pad(picture, ((0, 0), (12, 0)), constant_values=255)
    edged[:, 2:4] = 30
    rows = SignatureNormalizer().transform([picture, edged])
    assert correlation(*rows) > 0.95


# ------------------------------------------------------------------ specks


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


# ------------------------------------------------------------------ strokes of one width


def stroke_width(field):
    """The ink's area by the length of its middle line, of a field (h, w)."""
    mask = field > 0.5
    return mask.sum() / thin(mask).sum()


@pytest.mark.parametrize("name", [0, 1])
def test_equal_strokes_are_of_one_width_whatever_the_pen(name):
    pens = [drawn(name, width=width, ink=ink) for width, ink in ((1.2, 150), (3, 40), (7, 0))]
    rows = SignatureNormalizer(strokes="equal").transform(pens).reshape(-1, 96, 192)
    equal = [stroke_width(field) for field in rows]
    assert max(equal) - min(equal) < 0.5
    given = [stroke_width(f) for f in SignatureNormalizer().transform(pens).reshape(-1, 96, 192)]
    assert max(given) - min(given) > 2, "the pens do not differ enough to show anything"


def test_equal_strokes_are_black_and_follow_the_ink():
    picture = drawn(width=5, ink=120)
    as_is = SignatureNormalizer().transform([picture])
    equal = SignatureNormalizer(strokes="equal").transform([picture])
    assert np.mean((equal == 0) | (equal > 0.9)) > 0.9
    reach = gaussian_filter(as_is.reshape(96, 192), 1) > 0.02
    assert reach.ravel()[equal[0] > 0.5].all()


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8])
def test_thinning_keeps_connections_and_leaves_lines_of_one_pixel(width):
    mask = drawn(width=width) < 128
    lines = thin(mask)
    assert not (lines & ~mask).any()
    assert label(lines, np.ones((3, 3)))[1] == label(mask, np.ones((3, 3)))[1]
    assert label(~lines)[1] == label(~mask)[1], "a loop was opened or closed"
    full = lines[1:, 1:] & lines[:-1, 1:] & lines[1:, :-1] & lines[:-1, :-1]
    assert full.sum() <= 0.01 * lines.sum()
    assert np.array_equal(thin(lines), lines)


def test_thinning_keeps_the_length_of_a_bar():
    mask = np.zeros((40, 120), bool)
    mask[15:22, 10:110] = True
    lines = thin(mask)
    assert 92 <= lines.any(axis=0).sum() <= 100
    assert lines.sum(axis=0).max() <= 2


# ------------------------------------------------------------------ traits


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


# ------------------------------------------------------------------ CEDAR


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


@needs_cedar
@pytest.mark.parametrize(
    "file",
    ["full_org/original_17_11.png", "full_forg/forgeries_16_5.png", "full_org/original_31_19.png"],
)
def test_cedars_ruled_lines_go(file):
    """What is left beside an edge of the picture covers a third of that at most."""
    ink = find_ink(to_working_size(bright(np.array(Image.open(CEDAR / file)))))
    for axis in (0, 1):
        covered = np.mean(ink.mask, axis=axis)
        assert max(covered[:6].max(), covered[-6:].max()) < 0.3


@needs_cedar
@pytest.mark.parametrize("number", [1, 4, 8, 14])
def test_a_writers_own_straight_underline_stays(number):
    """Writer 42 underlines his name with a line that is straight to half a pixel."""
    picture = bright(np.array(Image.open(CEDAR / f"full_org/original_42_{number}.png")))
    ink = find_ink(picture)
    dark = gaussian_filter(picture, 0.6) < 0.6
    assert (ink.mask & dark).sum() > 0.97 * dark.sum()


@pytest.mark.parametrize("side", [1, 2, 3, 8, 11, 20, 40])
@pytest.mark.parametrize("shape", [(30, 7), (1, 5), (21, 1)])
def test_a_closing_is_that_of_scipy(shape, side):
    gray = np.random.default_rng(side).random(shape).astype(np.float32)
    beyond = np.pad(gray, ((2 * side, 2 * side), (0, 0)), mode="edge")
    expected = grey_closing(beyond, size=(side, 1))[2 * side : -2 * side]
    assert np.array_equal(_closed_down(gray, side), expected)
