"""Arrays and lists of pictures come out gray and in [0, 1], or are refused in one line."""

import re

import numpy as np
import pytest
from pictures.bars import GRAY, drawing, png
from PIL import Image

from bpapps import tasks
from bpapps.pictures.arrays import as_pictures, by_shape, shrink
from bpapps.pictures.files import PictureError

RGB = np.repeat(drawing()[..., None], 3, axis=2)
OPAQUE = np.concatenate([RGB, np.full((12, 16, 1), 255, dtype=np.uint8)], axis=2)
SIXTEENTHS = np.array([[0, 16, 8, 4]] * 4)
ARRAYS = {
    "uint8": (drawing()[None], GRAY),
    "uint16": (drawing()[None].astype(np.uint16) * 257, GRAY),
    "bool": (drawing()[None] > 100, drawing() > 100),
    "dark uint8": (np.full((1, 4, 4), 3, dtype=np.uint8), np.full((4, 4), 3 / 255)),
    "int64 to 255": (drawing()[None].astype(np.int64), GRAY),
    "float to 255": (drawing()[None].astype(float), GRAY),
    "to 16": (SIXTEENTHS[None].astype(float), SIXTEENTHS / 16),
    "to 1": (GRAY[None], GRAY),
    "a little beyond": (GRAY[None] * 3 - 1, np.clip(GRAY * 3 - 1, 0, 1)),
    "one channel": (drawing()[None, ..., None], GRAY),
    "rgb": (RGB[None], GRAY),
    "rgba": (OPAQUE[None], GRAY),
    "rows": (SIXTEENTHS.reshape(1, 16).astype(float), SIXTEENTHS / 16),
    "list": ([drawing()], GRAY),
    "list of rgb": ([RGB], GRAY),
    "list of rgba": ([OPAQUE], GRAY),
    "list of PIL": ([Image.fromarray(drawing())], GRAY),
    "list of nested lists": ([drawing().tolist()], GRAY),
    "list of rows": ([SIXTEENTHS.ravel().tolist()], SIXTEENTHS / 16),
}


@pytest.mark.parametrize(("given", "expected"), ARRAYS.values(), ids=ARRAYS)
def test_arrays_of_any_form_and_range(given, expected):
    before = given.copy() if isinstance(given, np.ndarray) else None
    (picture,) = as_pictures(given)
    assert picture.dtype == np.float32
    np.testing.assert_allclose(picture, expected, atol=1e-5)
    if before is not None:
        np.testing.assert_array_equal(given, before)


def test_a_list_may_hold_all_sorts_of_pictures(tmp_path):
    path = png(Image.fromarray(drawing()))(tmp_path)
    mixed = [drawing(9, 9), RGB, GRAY, Image.fromarray(drawing()), path, str(path)]
    read = as_pictures(mixed)
    assert [p.shape for p in read] == [(9, 9)] + [(12, 16)] * 5
    for picture in read[1:]:
        np.testing.assert_allclose(picture, GRAY, atol=0.01)
    groups = list(by_shape(read))
    assert [places.tolist() for places, _ in groups] == [[0], [1, 2, 3, 4, 5]]
    assert groups[1][1].shape == (5, 12, 16)


def test_an_array_of_objects_is_a_list():
    objects = np.empty(2, dtype=object)
    objects[:] = [drawing(), drawing(9, 9)]
    assert [p.shape for p in as_pictures(objects)] == [(12, 16), (9, 9)]


def test_a_frame_is_read_as_rows():
    pandas = pytest.importorskip("pandas")
    (picture,) = as_pictures(pandas.DataFrame(SIXTEENTHS.reshape(1, 16)))
    np.testing.assert_allclose(picture, SIXTEENTHS / 16)


NO_PICTURES = {
    "NaN": (np.full((2, 4, 4), np.nan), "NaN"),
    "infinity": (np.full((2, 4, 4), np.inf), "infinity"),
    "minus infinity": (np.full((2, 4, 4), -np.inf), "infinity"),
    "beyond 255": (np.full((2, 4, 4), 300.0), "ranges over 300 to 300"),
    "negative": (np.full((2, 4, 4), -2.0), "ranges over -2"),
    "negative of 255": (np.array([[[-1.0, 200.0]] * 2]), "ranges over -1 to 200"),
    "no square": (np.zeros((2, 15)), "15 pixels a row are not a square"),
    "five dimensions": (np.zeros((1, 2, 4, 4, 3)), "expected"),
    "two channels": (np.zeros((1, 4, 4, 2)), "expected"),
    "a number": ([1.0, 2.0], "expected"),
    "a bare number": (np.array(5.0), "expected"),
    "words": ([np.array([["a", "b"]])], "pictures are numbers"),
    "complex": (np.zeros((1, 4, 4), dtype=complex), "pictures are numbers"),
    "one path": ("digit.png", "give a list"),
    "missing file": (["no/such/digit.png"], "no/such/digit.png does not exist"),
    "tiny PIL": ([Image.new("L", (1, 1))], "only 1×1"),
}

NO_PIXELS = {
    "no rows": (np.zeros((3, 0, 5)), "X[0] has the shape (0, 5)"),
    "no columns": (np.zeros((3, 5, 0), np.uint8), "X[0] has the shape (5, 0)"),
    "rows of nothing": (np.zeros((3, 0)), "X[0] has the shape (0, 0)"),
    "transparent": (np.zeros((3, 0, 5, 4)), "X[0] has the shape (0, 5, 4)"),
    "the third": ([np.zeros((4, 5))] * 2 + [np.zeros((4, 0))], "X[2] has the shape (4, 0)"),
    "in colour": ([np.zeros((4, 5)), np.zeros((0, 4, 3))], "X[1] has the shape (0, 4, 3)"),
    "lists of nothing": ([[], []], "X[0] has the shape (0, 0)"),
}


@pytest.mark.parametrize(("given", "message"), NO_PIXELS.values(), ids=NO_PIXELS)
@pytest.mark.parametrize("name", tasks.names())
def test_a_picture_without_pixels_is_named(name, given, message):
    with pytest.raises(PictureError, match=re.escape(message)):
        as_pictures(given)
    with pytest.raises(PictureError, match=re.escape(message)):
        tasks.get(name).preprocessing().transform(given)


def test_no_pictures_at_all_are_let_through():
    assert len(as_pictures(np.zeros((0, 8, 8)))) == len(as_pictures([])) == 0


@pytest.mark.parametrize(("given", "message"), NO_PICTURES.values(), ids=NO_PICTURES)
def test_what_is_no_array_of_pictures_is_refused(given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        as_pictures(given)


def test_shrinking_averages():
    picture = np.random.default_rng(0).random((40, 60), dtype=np.float32)
    small = shrink(picture, 20)
    np.testing.assert_allclose(small[0, 0], picture[:3, :3].mean(), atol=1e-6)
    assert max(small.shape) == 20
    assert shrink(picture, 60) is picture
