"""Signatures drawn for the tests, and what a scanner or a camera makes of them."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter

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


def ring(width, height, paper=255, ink=0):
    """An oval of these outer sides, 4 pixels thick, 50 from the left and 30 from the top."""
    image = Image.new("L", (width + 100, height + 60), paper)
    box = (50, 30, 49 + width, 29 + height)
    ImageDraw.Draw(image).ellipse(box, outline=ink, width=4)
    return np.array(image)
