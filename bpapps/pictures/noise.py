"""Ways in which a picture goes bad, each at six severities, to measure what a net can stand.

A corruption takes a batch of gray pictures, a severity and a random generator, and returns new
pictures. Severity 0 leaves them as they are, 1 is hardly seen, 6 spoils most of them. The idea
of a fixed list of corruptions at graded severities is due to Hendrycks and Dietterich,
"Benchmarking Neural Network Robustness to Common Corruptions and Perturbations", ICLR 2019;
the levels here are our own, made for small pictures of strokes.

Levels in space are shares of the picture's shorter side, or of its area, so that a picture of
8×8 and one of 28×28 suffer alike. Where a picture moves, what comes in from outside is its own
ground: the median of its border, be it paper or night. Signs, directions and places are drawn
for each picture; the size of the effect is the level's, the same for all.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]


Reals = NDArray[np.float64]


MAX_SEVERITY = 6


BLOCK = 128  # pictures warped at a time: their index arrays stay in cache


Apply = Callable[[Images, float, np.random.Generator], Images]


@dataclass(frozen=True)
class Corruption:
    """One way of spoiling gray pictures: ``corruption(images, severity, rng) -> images``.

    ``levels`` are the parameter's values at severities 1 to 6, ``wording`` the format string
    that puts a level in words, ``apply(images, level, rng)`` the work itself, which may leave
    [0, 1] but must not write to its input.
    """

    name: str
    title: str
    wording: str
    levels: tuple[float, ...]
    apply: Apply

    def __call__(self, images: Images, severity: int, rng: np.random.Generator) -> Images:
        """Return new pictures, float32 in [0, 1], of the same shape.

        ``images`` are (n, h, w) in [0, 1], light on dark or dark on light, and are not written
        to; ``severity`` is an integer from 0, the identity, to 6. The same generator state gives
        the same bits. Raises ValueError for other shapes, grays or severities.
        """
        images = _checked(images)
        severity = checked_severity(severity)
        if severity == 0 or not len(images):
            return images.copy()
        out = self.apply(images, self.levels[severity - 1], rng)
        return np.clip(out, 0.0, 1.0, dtype=np.float32)

    def each(
        self, pictures: Sequence[Images], severity: int, rng: np.random.Generator
    ) -> list[Images]:
        """Spoil pictures of any sizes, (h, w) each, one after the other: a list of new ones."""
        return [self(picture[None], severity, rng)[0] for picture in pictures]

    def setting(self, severity: int) -> str:
        """Say in words what a severity means, such as ``"σ = 0.10"``."""
        severity = checked_severity(severity)
        return self.wording.format(self.levels[severity - 1]) if severity else "unchanged"


CORRUPTIONS: dict[str, Corruption] = {}


def _register(
    name: str, title: str, wording: str, levels: tuple[float, ...]
) -> Callable[[Apply], Apply]:
    """Put the function below in the table, under this name and with these levels."""

    def register(apply: Apply) -> Apply:
        CORRUPTIONS[name] = Corruption(name, title, wording, levels, apply)
        return apply

    return register


def find(name: str) -> Corruption:
    """Return the corruption of this name; ValueError that lists the names if there is none."""
    if name not in CORRUPTIONS:
        raise ValueError(f"no corruption is named {name!r}; there are {', '.join(CORRUPTIONS)}")
    return CORRUPTIONS[name]


def _checked(images: Images) -> Images:
    images = np.asarray(images)
    if images.ndim != 3 or 0 in images.shape[1:]:
        raise ValueError(f"images must have the shape (n, h, w), not {images.shape}")
    if images.dtype.kind not in "fiub":
        raise ValueError(f"images must be numbers, not {images.dtype}")
    if images.size and not (images.min() >= 0 and images.max() <= 1):  # NaN fails this too
        raise ValueError("images must be gray values in [0, 1]: divide 8-bit pictures by 255")
    return images.astype(np.float32, copy=False)


def checked_severity(severity: int) -> int:
    """Return the severity as a plain int; ValueError unless it is an integer from 0 to 6."""
    try:
        number = operator.index(severity)
    except TypeError:
        number = -1
    if not 0 <= number <= MAX_SEVERITY:
        raise ValueError(f"severity must be an integer from 0 to {MAX_SEVERITY}, not {severity!r}")
    return number


@_register("gaussian", "Gaussian noise", "σ = {:.2f}", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
def _gaussian(images: Images, sigma: float, rng: np.random.Generator) -> Images:
    """Add independent normal noise: a sensor's, or a scanner's."""
    noise = rng.standard_normal(images.shape, dtype=np.float32)
    noise *= sigma
    noise += images
    return noise


@_register("shot", "Shot noise", "{:g} photons at white", (30, 10, 5, 2, 1, 0.5))
def _shot(images: Images, photons: float, rng: np.random.Generator) -> Images:
    """Count photons: Poisson with a mean of ``photons`` at white, so that black stays black."""
    counts = rng.poisson(images * photons).astype(np.float32)
    counts /= photons
    return counts


@_register("impulse", "Impulse noise", "{:.0%} of the pixels", (0.05, 0.1, 0.15, 0.2, 0.3, 0.4))
def _impulse(images: Images, share: float, rng: np.random.Generator) -> Images:
    """Set a share of the pixels to black or to white: salt and pepper."""
    dice = rng.random(images.shape, dtype=np.float32)
    out = images.copy()
    out[dice < share] = 1.0
    out[dice < share / 2] = 0.0
    return out


@_register("contrast", "Contrast", "{:.0%} of the contrast", (0.8, 0.6, 0.4, 0.2, 0.1, 0.05))
def _contrast(images: Images, kept: float, rng: np.random.Generator) -> Images:
    """Draw the grays towards the picture's mean, keeping a share of their distance from it."""
    return _mix(images.mean(axis=(1, 2), keepdims=True), images, kept)


@_register("blur", "Blur", "σ = {:.0%} of the side", (0.02, 0.04, 0.06, 0.08, 0.1, 0.12))
def _blur(images: Images, share: float, rng: np.random.Generator) -> Images:
    """Blur by a Gaussian, renormalised at the edges, where it knows nothing of the outside."""
    sigma = share * _side(images)
    down, across = (_gaussian_matrix(size, sigma) for size in images.shape[1:])
    return np.matmul(np.matmul(down, images), across.T)


def _gaussian_matrix(size: int, sigma: float) -> Images:
    """Blurring a line of ``size`` pixels, as a matrix whose rows add up to 1."""
    distance = np.subtract.outer(np.arange(size), np.arange(size))
    weights = np.exp(-0.5 * (distance / sigma) ** 2)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@_register(
    "thickness", "Stroke thickness", "±{:.1%} of the side", (0.005, 0.01, 0.02, 0.03, 0.04, 0.05)
)
def _thickness(images: Images, share: float, rng: np.random.Generator) -> Images:
    """Let the light parts of a picture grow, or the dark ones: strokes get thicker or thinner.

    Gray dilation, or erosion, by a square. Between whole pixels the two nearest are mixed.
    """
    whole, part = divmod(share * _side(images), 1.0)
    sign = rng.choice(np.array([-1, 1], np.float32), (len(images), 1, 1))
    grown = sign * images  # growing the negative is shrinking
    for _ in range(int(whole)):
        grown = _dilate(grown)
    return sign * _mix(grown, _dilate(grown), part)


def _dilate(images: Images) -> Images:
    """Give each pixel the maximum of the 3×3 around it."""
    out = images.copy()
    np.maximum(out[:, 1:], images[:, :-1], out=out[:, 1:])
    np.maximum(out[:, :-1], images[:, 1:], out=out[:, :-1])
    rows = out.copy()
    np.maximum(out[:, :, 1:], rows[:, :, :-1], out=out[:, :, 1:])
    np.maximum(out[:, :, :-1], rows[:, :, 1:], out=out[:, :, :-1])
    return out


@_register("occlusion", "Occlusion", "{:.0%} of the area", (0.02, 0.05, 0.1, 0.15, 0.25, 0.4))
def _occlusion(images: Images, share: float, rng: np.random.Generator) -> Images:
    """Lay a flat patch, shaped like the picture, over a share of its area, wholly inside it.

    Its gray is drawn for each picture. A patch of the ground's gray would be no patch wherever
    it missed the stroke, and how much it hurt would hang on the polarity.
    """
    n, height, width = images.shape
    length = math.sqrt(share)
    rows, columns = (_covered(rng.random((n,)), length, size) for size in (height, width))
    patch = rows[:, :, None] * columns[:, None, :]
    gray = rng.random((n, 1, 1), dtype=np.float32)
    return images + patch * (gray - images)


def _covered(place: Reals, length: float, size: int) -> Images:
    """How much of each of ``size`` pixels (n, size) a bar covers; place and length in [0, 1]."""
    start = place[:, None] * (1 - length) * size
    end = start + length * size
    pixel = np.arange(size)
    overlap = np.minimum(pixel + 1, end) - np.maximum(pixel, start)
    return np.clip(overlap, 0, 1).astype(np.float32)


@_register(
    "resolution", "Resolution", "{:.0%} of the pixels a side", (0.75, 0.6, 0.5, 0.38, 0.25, 0.12)
)
def _resolution(images: Images, share: float, rng: np.random.Generator) -> Images:
    """Average over a coarser grid, and interpolate back linearly: a small picture, enlarged."""
    down, across = (_coarse_matrix(size, share) for size in images.shape[1:])
    return np.matmul(np.matmul(down, images), across.T)


def _coarse_matrix(size: int, share: float) -> Images:
    """Reading a line of ``size`` pixels from a share of as many, as a matrix."""
    few = max(1, round(share * size))
    averages = _covered(np.linspace(0, 1, few), 1 / few, size) * np.float32(few / size)
    place = np.clip((np.arange(size) + 0.5) * few / size - 0.5, 0, few - 1)
    nearness = 1 - np.abs(np.subtract.outer(place, np.arange(few)))
    return np.clip(nearness, 0, None).astype(np.float32) @ averages


@_register("ruled line", "Ruled line", "{:.1%} of the side", (0.01, 0.02, 0.03, 0.045, 0.06, 0.08))
def _ruled_line(images: Images, share: float, rng: np.random.Generator) -> Images:
    """Print a level line across the whole picture, as dark as its ink and this thick."""
    n, height, _ = images.shape
    rows = _covered(rng.random((n,)), share * _side(images) / height, height)
    return _mix(images, _ink(images)[:, None, None], rows[:, :, None])


@_register("stamp", "Rubber stamp", "{:.0%} of the side", (0.2, 0.35, 0.5, 0.65, 0.8, 1.0))
def _stamp(images: Images, share: float, rng: np.random.Generator) -> Images:
    """Stamp an oval ring with bars in it over the picture, wholly inside, half as dark as its ink.

    The level is the stamp's longer diameter. It stands at any angle within 30 degrees, and is
    up to a third less high than wide.
    """
    n = len(images)
    radius = share * _side(images) / 2
    tilt = np.deg2rad(rng.uniform(-30, 30, (n, 1, 1)))
    flat = rng.uniform(2 / 3, 1, (n, 1, 1))
    places = rng.uniform(radius, np.subtract(images.shape[1:], radius), (n, 2))
    middle = places.astype(np.float32)[:, :, None, None]
    ink = _ink(images)[:, None, None]
    out = np.empty_like(images)
    for start in range(0, n, BLOCK):
        block = slice(start, start + BLOCK)
        y, x = np.moveaxis(_grid(images) + np.float32(0.5) - middle[block], 1, 0)
        cover = _stamped(y, x, radius, tilt[block], flat[block])
        out[block] = _mix(images[block], ink[block], cover / np.float32(2))
    return out


def _stamped(y: Images, x: Images, radius: float, tilt: Reals, flat: Reals) -> Images:
    """How much of each pixel (n, h, w) a stamp's rubber covers; y and x are from its middle."""
    cos, sin = np.cos(tilt).astype(np.float32), np.sin(tilt).astype(np.float32)
    along = cos * x + sin * y
    up = (cos * y - sin * x) / flat.astype(np.float32)
    off = np.hypot(along, up)
    ring = np.abs(off - 0.9 * radius) - 0.1 * radius  # its distance to the rubber, in pixels
    bars = np.abs(np.abs(up) - 0.2 * radius) - 0.1 * radius
    bars = np.maximum(bars, np.abs(along) - 0.6 * radius)
    return np.clip(0.5 - np.minimum(ring, bars), 0, 1, dtype=np.float32)


@_register("rotation", "Rotation", "{:g}°", (10, 20, 30, 40, 50, 60))
def _rotation(images: Images, degrees: float, rng: np.random.Generator) -> Images:
    """Turn about the centre, one way or the other."""
    angle = np.deg2rad(degrees) * rng.choice((-1, 1), len(images))
    cos, sin = np.cos(angle), np.sin(angle)
    return _affine(images, np.array([[cos, -sin], [sin, cos]]), np.zeros((2, len(images))))


@_register("translation", "Translation", "{:.0%} of the side", (0.03, 0.06, 0.1, 0.15, 0.2, 0.3))
def _translation(images: Images, share: float, rng: np.random.Generator) -> Images:
    """Move by a share of the shorter side, in any direction."""
    angle = rng.uniform(0, 2 * np.pi, len(images))
    shift = share * _side(images) * np.array([np.sin(angle), np.cos(angle)])
    return _affine(images, np.eye(2)[:, :, None], shift)


@_register("scale", "Scale", "{:g} times larger or smaller", (1.1, 1.2, 1.35, 1.5, 1.75, 2.0))
def _scale(images: Images, factor: float, rng: np.random.Generator) -> Images:
    """Enlarge or shrink about the centre by a factor."""
    step = factor ** rng.choice((-1.0, 1.0), len(images))
    return _affine(images, np.eye(2)[:, :, None] * step, np.zeros((2, len(images))))


@_register(
    "elastic", "Elastic distortion", "{:.0%} of the side", (0.02, 0.04, 0.06, 0.08, 0.1, 0.12)
)
def _elastic(images: Images, share: float, rng: np.random.Generator) -> Images:
    """Bend by a smooth random field, whose root mean square is a share of the shorter side.

    After Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural Networks Applied
    to Visual Document Analysis", ICDAR 2003; their field, white noise blurred with σ = 4 pixels
    of 28, is drawn here on 9 × 9 knots, whatever the picture's size.
    """
    knots = rng.standard_normal((2, len(images), 9, 9), dtype=np.float32)
    spread = [_bumps(size, 9, width=4 / 28) for size in images.shape[1:]]
    field = spread[0] @ knots @ spread[1].T
    rms = np.sqrt(np.mean(field**2, axis=(0, 2, 3), keepdims=True) * 2)
    field *= np.float32(share * _side(images)) / rms
    return _warp(images, *(field + _grid(images)[:, None]))


def _bumps(size: int, knots: int, width: float) -> Images:
    """Gaussian bumps (size, knots) of a width along a line of length 1, sampled at its pixels."""
    pixel = (np.arange(size) + 0.5) / size
    knot = np.linspace(0, 1, knots)
    return np.exp(-0.5 * (np.subtract.outer(pixel, knot) / width) ** 2).astype(np.float32)


def _side(images: Images) -> int:
    """Return the shorter side in pixels."""
    return min(images.shape[1:])


def _grid(images: Images) -> Images:
    """Return the row and the column of each pixel, (2, h, w)."""
    return np.indices(images.shape[1:], dtype=np.float32)


def _affine(images: Images, matrix: Reals, shift: Reals) -> Images:
    """Read each picture at ``matrix @ (place - centre) + centre + shift``.

    ``matrix`` is (2, 2, n) or (2, 2, 1), ``shift`` (2, n), both in rows and columns.
    """
    grid = _grid(images)
    centre = (np.array(images.shape[1:]) - 1) / 2
    y, x = grid - centre[:, None, None].astype(np.float32)
    m = matrix.astype(np.float32)[..., None, None]
    offset = (shift + centre[:, None]).astype(np.float32)[..., None, None]
    return _warp(
        images, m[0, 0] * y + m[0, 1] * x + offset[0], m[1, 0] * y + m[1, 1] * x + offset[1]
    )


def _warp(images: Images, rows: Images, columns: Images) -> Images:
    """Read pictures between their pixels, bilinearly, at places (n, h, w); outside is ground."""
    n, height, width = images.shape
    framed = np.empty((n, height + 2, width + 2), np.float32)
    framed[:] = _ground(images)[:, None, None]
    framed[:, 1:-1, 1:-1] = images
    out = np.empty_like(images)
    for start in range(0, n, BLOCK):
        block = slice(start, start + BLOCK)
        y = np.clip(rows[block] + 1, 0, height + 1)
        x = np.clip(columns[block] + 1, 0, width + 1)
        top = np.minimum(y.astype(np.intp), height)
        left = np.minimum(x.astype(np.intp), width)
        y -= top
        x -= left
        pixels = framed[block].ravel()
        picture = np.arange(len(y))[:, None, None] * framed[0].size
        corner = picture + top * (width + 2) + left
        upper = _mix(pixels[corner], pixels[corner + 1], x)
        corner += width + 2
        lower = _mix(pixels[corner], pixels[corner + 1], x)
        out[block] = _mix(upper, lower, y)
    return out


def _mix(a: Images, b: Images, share: Images | float) -> Images:
    return a + share * (b - a)


def _ground(images: Images) -> Images:
    """Return the median of each picture's border, (n,)."""
    edges = [images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]]
    return np.median(np.concatenate(edges, axis=1), axis=1)


def _ink(images: Images) -> Images:
    """Return the gray of each picture that is farthest from its ground, (n,)."""
    ground = _ground(images)
    low, high = images.min(axis=(1, 2)), images.max(axis=(1, 2))
    return np.where(high - ground > ground - low, high, low)
