"""Any picture comes out gray, upright and in [0, 1], or is refused in one line; ink is found."""

import os
import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, TiffImagePlugin
from scipy.ndimage import gaussian_filter

from bpapps import tasks
from bpapps.pictures import shapes
from bpapps.pictures.arrays import as_pictures, by_shape, shrink
from bpapps.pictures.files import PictureError, read_picture
from bpapps.pictures.ink import count_pieces, drop_specks, find_ink, otsu, quantile, smooth

INK, PAPER = 30, 230


def drawing(h=12, w=16):
    """A gray picture with a dark bar, lying in the upper left."""
    picture = np.full((h, w), PAPER, dtype=np.uint8)
    picture[2:4, 1:9] = INK
    return picture


def transparent(ink):
    """RGBA: the bar in an ink of one gray value, all else clear."""
    rgba = np.full((12, 16, 4), ink, dtype=np.uint8)
    rgba[..., 3] = np.where(drawing() == INK, 255, 0)
    return Image.fromarray(rgba)


def upside_down():
    """A picture turned by half a circle, and EXIF data that says so."""
    image = Image.fromarray(drawing()[::-1, ::-1])
    image.getexif()[0x0112] = 3
    return image


def palette_with_clear_paper():
    image = Image.fromarray(np.where(drawing() == INK, 1, 0).astype(np.uint8), mode="P")
    image.putpalette([200, 10, 10, INK, INK, INK])
    image.info["transparency"] = 0
    return image


GRAY = drawing() / 255
ON_WHITE = np.where(drawing() == INK, INK / 255, 1)
SIXTEEN = Image.fromarray(drawing().astype(np.uint16) * 257)

READABLE = [
    ("l.png", Image.fromarray(drawing()), GRAY),
    ("l.bmp", Image.fromarray(drawing()), GRAY),
    ("l.gif", Image.fromarray(drawing()), GRAY),
    ("l.tif", Image.fromarray(drawing()), GRAY),
    ("l.jpg", Image.fromarray(drawing()), GRAY),
    ("l.webp", Image.fromarray(drawing()).convert("RGB"), GRAY),
    ("l.PNG", Image.fromarray(drawing()), GRAY),
    ("one.png", Image.fromarray(drawing() > 100), (drawing() > 100).astype(float)),
    ("rgb.png", Image.fromarray(drawing()).convert("RGB"), GRAY),
    ("palette.png", Image.fromarray(drawing()).convert("P"), GRAY),
    ("cmyk.jpg", Image.fromarray(drawing()).convert("CMYK"), GRAY),
    ("cmyk.tif", Image.fromarray(drawing()).convert("CMYK"), GRAY),
    ("ycc.jpg", Image.fromarray(drawing()).convert("YCbCr"), GRAY),
    ("16.png", SIXTEEN, GRAY),
    ("16.tif", SIXTEEN, GRAY),
    ("32.tif", Image.fromarray(drawing().astype(np.int32) * 257), GRAY),
    ("32small.tif", Image.fromarray(drawing().astype(np.int32)), GRAY),
    ("float.tif", Image.fromarray(GRAY.astype(np.float32)), GRAY),
    ("alpha.png", transparent(INK), ON_WHITE),
    ("light ink.png", transparent(250), np.where(drawing() == INK, 250 / 255, 0)),
    ("la.png", transparent(INK).convert("LA"), ON_WHITE),
    ("clear palette.png", palette_with_clear_paper(), ON_WHITE),
    ("clear palette.gif", palette_with_clear_paper(), ON_WHITE),
    ("turned.jpg", upside_down(), GRAY),
    ("turned.png", upside_down(), GRAY),
]


@pytest.mark.parametrize(("name", "image", "expected"), READABLE, ids=[r[0] for r in READABLE])
def test_every_kind_of_picture_is_read(tmp_path, name, image, expected):
    path = tmp_path / name
    options = {"quality": 100} if path.suffix in (".jpg", ".webp") else {}
    if "transparency" in image.info:
        options["transparency"] = image.info["transparency"]
    image.save(path, **options, exif=image.getexif())
    read = read_picture(path)
    assert read.dtype == np.float32
    assert read.shape == expected.shape
    np.testing.assert_allclose(read, expected, atol=0.08 if path.suffix == ".jpg" else 0.02)


def png(image, name="p.png"):
    def write(folder):
        image.save(folder / name)
        return folder / name

    return write


def raw(content, name="p.png"):
    def write(folder):
        (folder / name).write_bytes(content)
        return folder / name

    return write


def cut(name, share=0.6, **options):
    """A file that ends too early."""

    def write(folder):
        noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / name, **options)
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: int(len(whole) * share)])
        return folder / name

    return write


def frames(name, n=3):
    def write(folder):
        pages = [Image.fromarray(np.full((9, 9), 20 * i, dtype=np.uint8)) for i in range(n)]
        pages[0].save(folder / name, save_all=True, append_images=pages[1:])
        return folder / name

    return write


def claiming(width, height):
    """A PNG of a few bytes that says it is of this size."""

    def write(folder):
        import zlib

        head = b"IHDR" + width.to_bytes(4) + height.to_bytes(4) + b"\x08\x00\x00\x00\x00"
        body = b"IDAT" + zlib.compress(b"\0" * 100)
        chunks = [head, body, b"IEND"]
        content = b"\x89PNG\r\n\x1a\n" + b"".join(
            (len(c) - 4).to_bytes(4) + c + zlib.crc32(c).to_bytes(4) for c in chunks
        )
        (folder / "p.png").write_bytes(content)
        return folder / "p.png"

    return write


def broken_png(folder):
    path = png(Image.fromarray(drawing()))(folder)
    content = bytearray(path.read_bytes())
    content[45:60] = b"\xff" * 15
    path.write_bytes(content)
    return path


REFUSED = {
    "missing": (lambda folder: folder / "no.png", "does not exist"),
    "folder": (lambda folder: folder, "is a folder"),
    "through a file": (lambda folder: raw(b"x", "a")(folder) / "b.png", "cannot be read"),
    "empty": (raw(b""), "is empty"),
    "text": (raw(b"just words, no picture"), "is not a picture"),
    "eps": (raw(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "is not a picture"),
    "head only": (raw(b"\x89PNG\r\n\x1a\n"), "p.png"),
    "cut png": (cut("p.png"), "damaged or cut short"),
    "cut jpeg": (cut("p.jpg"), "damaged or cut short"),
    "cut gif": (cut("p.gif"), "damaged or cut short"),
    "cut bmp": (cut("p.bmp"), "damaged or cut short"),
    "cut tiff": (cut("p.tif", 0.5), "p.tif"),
    "cut webp": (cut("p.webp", lossless=True), "p.webp"),
    "broken": (broken_png, "damaged or cut short"),
    "1×1": (png(Image.new("L", (1, 1))), "only 1×1 pixels"),
    "1×2": (png(Image.new("RGBA", (1, 2))), "only 1×2 pixels"),
    "thin": (png(Image.new("L", (300, 3))), "only 300×3 pixels"),
    "60 megapixels": (claiming(10_000, 6_000), "more than 50 megapixels"),
    "100 megapixels": (claiming(10_000, 10_000), "more than 50 megapixels"),
    "30,000×30,000": (claiming(30_000, 30_000), "more than 50 megapixels"),
    "animated gif": (frames("p.gif", 12), "has 12 frames; give one picture"),
    "animated png": (frames("p.png"), "has 3 frames"),
    "animated webp": (frames("p.webp"), "has 3 frames"),
    "pages": (frames("p.tif"), "has 3 frames"),
    "floats out of range": (
        png(Image.fromarray(np.full((9, 9), -3, dtype=np.float32)), "p.tif"),
        "out of range",
    ),
    "NaN": (
        png(Image.fromarray(np.full((9, 9), np.nan, dtype=np.float32)), "p.tif"),
        "out of range",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_picture_is_refused_in_one_line(tmp_path, make, message):
    path = make(tmp_path)
    with pytest.raises(PictureError, match=re.escape(message)) as caught:
        read_picture(path)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path):
    path = png(Image.fromarray(drawing()))(tmp_path)
    path.chmod(0)
    with pytest.raises(PictureError, match="may not be read"):
        read_picture(path)


def test_odd_metadata_is_not_warned_of(tmp_path):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[270] = "words"
    path = tmp_path / "p.tif"
    Image.fromarray(drawing()).save(path, tiffinfo=tags)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_picture(path)


# ------------------------------------------------------------------ arrays

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


# ------------------------------------------------------------------ ink


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


def test_boxes_and_centres():
    mask = np.zeros((2, 9, 7), dtype=bool)
    mask[0, 2:5, 1:6] = True
    assert shapes.bounding_boxes(mask).tolist() == [[2, 1, 5, 6], [0, 0, 0, 0]]
    np.testing.assert_allclose(shapes.centres_of_mass(mask.astype(np.float32))[0], [3.5, 3.5])


def test_otsu_parts_two_heaps():
    rng = np.random.default_rng(0)
    low, high = 0.2 + 0.02 * rng.normal(size=300), 0.8 + 0.02 * rng.normal(size=100)
    stack = np.concatenate([low, high]).reshape(1, 20, 20).astype(np.float32)
    assert 0.25 < otsu(np.concatenate([stack, stack]))[1] < 0.77


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


def test_shrinking_averages():
    picture = np.random.default_rng(0).random((40, 60), dtype=np.float32)
    small = shrink(picture, 20)
    np.testing.assert_allclose(small[0, 0], picture[:3, :3].mean(), atol=1e-6)
    assert max(small.shape) == 20
    assert shrink(picture, 60) is picture


@pytest.mark.parametrize("share", [0.0, 0.5, 0.8, 0.99])
def test_a_quantile_is_a_value_that_so_many_are_below(share):
    values = np.random.default_rng(0).permutation(np.arange(2000, dtype=np.float32)).reshape(2, -1)
    found = quantile(values, share)
    assert np.isin(found, values).all()
    assert (values < found[:, None]).mean(axis=1) == pytest.approx(share)


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


@pytest.mark.parametrize(("mirrored", "mode"), [(False, "nearest"), (True, "reflect")])
@pytest.mark.parametrize("shape", [(3, 9, 14), (2, 64, 30), (2, 128, 30), (1, 20, 129)])
@pytest.mark.parametrize("sigma", [0.5, 4.0])
def test_small_pictures_are_blurred_as_large_ones_are(shape, sigma, mirrored, mode):
    stack = np.random.default_rng(0).random(shape, dtype=np.float32)
    expected = gaussian_filter(stack, (0, sigma, sigma), mode=mode, truncate=2.5)
    found = smooth(stack, sigma, mirrored)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
