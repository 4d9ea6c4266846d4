"""Any file with a picture comes out gray, upright and in [0, 1], or is refused in one line."""

import os
import re
import warnings

import numpy as np
import pytest
from pictures.bars import GRAY, INK, drawing, png
from PIL import Image, TiffImagePlugin

from bpapps.pictures.files import PictureError, read_picture


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
