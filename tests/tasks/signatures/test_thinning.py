"""Strokes made equal are of one width; thin ones keep their connections and lengths."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label
from tasks.signatures.drawn import drawn

from bpapps.tasks.signatures.preprocess import SignatureNormalizer
from bpapps.tasks.signatures.thinning import thin


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
