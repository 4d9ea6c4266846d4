"""Ruled lines, printed boxes and edges of sheets go, and the strokes stay."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, grey_closing
from tasks.signatures.drawn import CEDAR, bright, correlation, drawn, needs_cedar, ruled

from bpapps.tasks.signatures.paper import _closed_down, find_ink, to_working_size
from bpapps.tasks.signatures.preprocess import SignatureNormalizer
from bpapps.tasks.signatures.ruled import drop_lines


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
