"""Printed characters and lines, rendered from fonts as a camera or a scanner might see them.

A picture of one character is a cell cut from a line: the cell is as high as the line, the baseline
runs at `BASELINE` and capitals are `CAPITAL` of the height. What tells an o from an O, their size
and place in the line, is therefore kept. Everything random comes from the generator that is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpapps.pictures.augment import resample
from bpapps.tasks.characters.classes import CHARACTERS
from bpapps.tasks.characters.fonts import Font as Font
from bpapps.tasks.characters.fonts import drawn
from bpapps.tasks.characters.fonts import fonts as fonts
from bpapps.tasks.characters.fonts import for_lines as for_lines
from bpapps.tasks.characters.fonts import split_families as split_families
from bpapps.tasks.characters.glyphs import (
    ABOVE,
    Face,
    master,
    scaled,
    soften,
    stroke_width,
    thicken,
)

Pictures = NDArray[np.float32]
Lens = Callable[[Pictures, Pictures, "Look", np.random.Generator], Pictures]

BASELINE = 0.72
"""Row of the baseline in a cell, as a share of its height."""
CAPITAL = 0.5
"""Height of a capital in a cell, as a share of the cell's."""
_BATCH = 256
_THINNEST = 1.25
"""Pixels that the typical stroke of a line is wide at least: thinner ones fade away."""


@dataclass(frozen=True)
class Look:
    """How far pictures stray from black print on white paper, at most or by deviation.

    Each picture has a degree of its own, uniform from 0 to 1, which scales all its effects:
    some pictures are all but clean, some suffer from everything.

    Args:
        weight: strokes broader or narrower, deviation, in heights of a capital.
        slant, aspect, size: deviations of the shear, and of the logarithms of the aspect and size.
        rotation: deviation in degrees.
        perspective: deviation of how much nearer one edge is than the other.
        shift: deviation of the place along each axis, in heights of the cell.
        resolution: the fewest pixels a line may have been taken with.
        blur: largest sigma, in pixels of a cell of 48.
        noise: largest standard deviation of the grain.
        light: largest difference of the light from one edge to the other.
        texture: largest standard deviation of the paper's own pattern, and of the ink's.
        fading: largest loss of contrast.
        inverse: share of the pictures whose ink is lighter than the paper.
        square: how far curves are pushed to the sides at most, as in condensed and in technical
            alphabets: 1 makes of a circle the curve x⁴ + y² = 1.
    """

    weight: float = 0.035
    slant: float = 0.14
    aspect: float = 0.14
    size: float = 0.08
    rotation: float = 3.0
    perspective: float = 0.1
    shift: float = 0.03
    resolution: int = 16
    blur: float = 1.2
    noise: float = 0.07
    light: float = 0.35
    texture: float = 0.05
    fading: float = 0.55
    inverse: float = 0.25
    square: float = 0.0


LIGHT = Look(
    weight=0.01, slant=0.02, aspect=0.04, size=0.03, rotation=0.6, perspective=0.0, shift=0.02,
    resolution=32, blur=0.6, noise=0.04, light=0.15, texture=0.02, fading=0.4, inverse=0.2,
)  # fmt: skip
"""A good scan: what lines are rendered with."""


# ------------------------------------------------------------------ characters


def characters(
    fonts: Sequence[Face],
    n: int,
    rng: np.random.Generator,
    labels: Sequence[str] = CHARACTERS,
    size: tuple[int, int] = (48, 36),
    look: Look | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Pictures of n characters, (n, height, width), and their labels, (n,), in random order.

    Each label comes as often as any other, and each family as often as any other, however many
    fonts it has.
    """
    chosen = np.array(list(labels))[rng.permutation(np.arange(n) % len(labels))]
    return draw(fonts, pick_fonts(fonts, n, rng), chosen, rng, size, look), chosen


def pick_fonts(fonts: Sequence[Face], n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Places in ``fonts`` of n fonts, (n,), drawn by family, then within the family."""
    names, family = np.unique([font.family for font in fonts], return_inverse=True)
    count = np.bincount(family)
    order, first = np.argsort(family, kind="stable"), np.cumsum(count) - count
    drawn = rng.integers(len(names), size=n)
    return order[first[drawn] + (rng.random(n) * count[drawn]).astype(np.intp)]


def draw(
    fonts: Sequence[Face],
    which: NDArray[np.intp],
    labels: NDArray[Any],
    rng: np.random.Generator,
    size: tuple[int, int] = (48, 36),
    look: Look | None = None,
) -> NDArray[np.uint8]:
    """The picture of each label in the font ``fonts[which]``, (n, height, width)."""
    look = look or Look()
    pose = _poses(len(labels), size, look, rng)
    ink = np.empty((len(labels), *size), dtype=np.float32)
    order = np.argsort(which, kind="stable")  # a font at a time, for its masters are many
    for font in np.unique(which):
        rows = order[which[order] == font]
        for i in range(0, len(rows), _BATCH):
            some = rows[i : i + _BATCH]
            ink[some] = _place(fonts[font], labels[some], pose.take(some), size)
    out = np.empty(ink.shape, dtype=np.uint8)
    for i in range(0, len(ink), _BATCH):
        part = slice(i, i + _BATCH)
        seen = expose(ink[part], pose.degree[part], look, rng, _lens)
        out[part] = np.rint(255 * seen)
    return out


class _Poses(NamedTuple):
    """Where and how each of n characters stands; all (n,), in pixels of the cell."""

    degree: Pictures
    weight: Pictures
    slant: Pictures
    aspect: Pictures
    scale: Pictures
    angle: Pictures
    tilt_y: Pictures
    tilt_x: Pictures
    shift_y: Pictures
    shift_x: Pictures
    power: Pictures

    def take(self, rows: NDArray[np.intp]) -> _Poses:
        return _Poses(*(value[rows] for value in self))


def _poses(n: int, size: tuple[int, int], look: Look, rng: np.random.Generator) -> _Poses:
    degree = rng.random(n, dtype=np.float32)

    def drawn(deviation: float) -> Pictures:
        return np.clip(rng.standard_normal(n, np.float32), -2.5, 2.5) * degree * deviation

    return _Poses(
        degree,
        drawn(look.weight),
        drawn(look.slant),
        np.exp(drawn(look.aspect)),
        np.exp(drawn(look.size)),
        np.deg2rad(drawn(look.rotation)),
        drawn(look.perspective),
        drawn(look.perspective),
        drawn(look.shift * size[0]),
        drawn(look.shift * size[0]),
        1 + np.float32(look.square) * degree,
    )


def _place(font: Face, labels: NDArray[np.str_], pose: _Poses, size: tuple[int, int]) -> Pictures:
    """The ink of characters of one font, in [0, 1], (n, height, width)."""
    capital = size[0]  # twice what it is in the cell
    radius = _radii(stroke_width(font, capital), pose.weight, capital)
    shape = master(font, str(labels[0]), capital).shape
    source = np.empty((len(labels), *shape), dtype=np.float32)
    widths = np.empty(len(labels), dtype=np.float32)
    for label, r in set(zip(labels.tolist(), radius.tolist(), strict=True)):
        here = (labels == label) & (radius == r)
        whole = master(font, label, capital)
        glyph = thicken(whole, r)
        source[here] = soften(glyph if glyph.any() else whole)
        widths[here] = np.ptp(np.flatnonzero(whole.any(axis=0))) + 1 + 2 * max(r, 0)
    rows, columns = _sources(widths, pose, size)
    rows += np.float32(round(ABOVE * capital) - capital / 2)
    columns += np.float32(shape[1] / 2)
    return resample(source, rows - np.float32(0.5), columns - np.float32(0.5)) / np.float32(255)


def _radii(stroke: float, weight: Pictures, capital: int) -> NDArray[np.intp]:
    """By how many pixels of the master strokes are widened; none fills up or breaks."""
    least = -int(stroke / 4)
    most = max(0, round((0.26 * capital - stroke) / 2))
    return np.clip(np.rint(weight * capital), least, most).astype(np.intp)


def _sources(widths: Pictures, pose: _Poses, size: tuple[int, int]) -> tuple[Pictures, Pictures]:
    """Where each pixel of the cell comes from, (n, height, width) down and across.

    In pixels of the master, from the middle of the capitals and of the width.
    """
    height, width = size
    scale = pose.scale * np.float32(CAPITAL)
    # The broadest characters of broad fonts are narrowed to fit.
    room = (width - 2) / np.maximum(widths * scale, 1)
    across = scale * np.minimum(pose.aspect, np.maximum(room, 0.3))
    y = np.arange(height, dtype=np.float32)[:, None] + np.float32(0.5)
    x = np.arange(width, dtype=np.float32)[None, :] + np.float32(0.5)
    tilt = 1 + _each(pose.tilt_y) * (2 * y / height - 1) + _each(pose.tilt_x) * (2 * x / width - 1)
    # Turned and tilted about the middle of the capitals.
    middle = (BASELINE - CAPITAL / 2) * height
    v = (y - middle - _each(pose.shift_y)) / tilt
    u = (x - width / 2 - _each(pose.shift_x)) / tilt
    cos, sin = _each(np.cos(pose.angle)), _each(np.sin(pose.angle))
    down = cos * v - sin * u
    aside = sin * v + cos * u + _each(pose.slant) * down
    return _float32(down / _each(scale)), _squared(aside / _each(across), widths / 2, pose.power)


def _squared(aside: NDArray[Any], edge: NDArray[Any], power: Pictures) -> Pictures:
    """Where what is so far from the middle comes from; what lies beyond the edge stays."""
    share = np.minimum(np.abs(aside / _each(edge)), 1)
    return _float32(aside * share ** (_each(power) - 1))


def _float32(values: NDArray[Any]) -> Pictures:
    return np.asarray(values, dtype=np.float32)


def _each(values: NDArray[Any]) -> Pictures:
    return values.astype(np.float32)[:, None, None]


# ------------------------------------------------------------------ paper, ink and lens


def expose(
    ink: Pictures, degree: Pictures, look: Look, rng: np.random.Generator, lens: Lens
) -> Pictures:
    """Pictures in [0, 1] of ink on paper, (n, height, width), each to its degree (n,)."""
    n, height, width = ink.shape
    degree = degree[:, None, None]

    def upto(most: float) -> Pictures:
        return most * degree * rng.random((n, 1, 1), dtype=np.float32)

    contrast = 1 - upto(look.fading)
    paper = contrast + (1 - contrast) * rng.random((n, 1, 1), dtype=np.float32)
    worn = 1 - upto(5 * look.texture) * np.abs(_pattern(ink.shape, 0.06, rng))
    picture = paper - contrast * ink * np.clip(worn, 0, 1)
    picture += upto(look.texture) * _pattern(ink.shape, rng.uniform(0.03, 0.3), rng)
    inverse = rng.random(n) < look.inverse
    picture[inverse] = 1 - picture[inverse]
    angle = rng.uniform(0, 2 * np.pi, (n, 1, 1)).astype(np.float32)
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :]
    picture *= 1 - upto(look.light) * (0.5 + np.cos(angle) * y + np.sin(angle) * x)
    picture = lens(picture, degree[:, 0, 0], look, rng)
    picture += upto(look.noise) * rng.standard_normal(picture.shape, np.float32)
    return np.clip(picture, 0, 1, out=picture)


def _pattern(shape: tuple[int, ...], grain: float, rng: np.random.Generator) -> Pictures:
    """Smooth random fields of variance 1 about, blots of ``grain`` heights across."""
    n, height, width = shape
    step = max(1.0, grain * height)
    down, across = _knots(height, step), _knots(width, step)
    knots = rng.standard_normal((n, down.shape[1], across.shape[1]), np.float32)
    return _float32(down @ knots @ across.T)


def _knots(length: int, step: float) -> Pictures:
    """Weights that interpolate between knots ``step`` pixels apart, (length, knots)."""
    knots = np.arange(0, length + step, step, dtype=np.float32)
    away = np.abs(np.arange(length, dtype=np.float32)[:, None] - knots[None, :]) / step
    weights = np.maximum(1 - away, 0)
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


def _lens(picture: Pictures, degree: Pictures, look: Look, rng: np.random.Generator) -> Pictures:
    """Taken with fewer pixels, and out of focus; each in steps, for the matrices are kept."""
    n, height, width = picture.shape
    coarse = np.rint(8 * degree * rng.random(n)) / 8
    lines = np.rint(48 * (look.resolution / 48) ** coarse).astype(int)
    blurs = np.rint(8 * degree * rng.random(n)) / 8 * look.blur
    for rows, blur in set(zip(lines.tolist(), blurs.tolist(), strict=True)):
        here = (lines == rows) & (blurs == blur)
        down = _optics(height, rows / 48, blur * height / 48)
        across = _optics(width, rows / 48, blur * height / 48)
        picture[here] = down @ picture[here] @ across.T
    return picture


@lru_cache(maxsize=512)
def _optics(length: int, share: float, blur: float) -> Pictures:
    """The matrix that blurs, averages down to a share of the pixels and interpolates back."""
    at = np.arange(length) + 0.5
    blurred = np.exp(-0.5 * ((at[:, None] - at[None, :]) / max(blur, 1e-3)) ** 2)
    blurred /= blurred.sum(axis=1, keepdims=True)
    count = max(2, round(length * share))
    if count >= length:
        return blurred.astype(np.float32)
    edges = np.linspace(0, length, count + 1)
    old = np.arange(length)
    overlap = np.minimum(edges[1:, None], old + 1) - np.maximum(edges[:-1, None], old)
    averaged = np.maximum(overlap, 0) * (count / length)
    middles = (edges[1:] + edges[:-1]) / 2
    back = np.stack([np.interp(at, middles, row) for row in np.eye(count)], axis=1)
    return (back @ averaged @ blurred).astype(np.float32)


# ------------------------------------------------------------------ lines


class DrawnLine(NamedTuple):
    """A picture in [0, 1], (height, width), and the box of each character that is no space.

    Boxes are top, left, bottom, right, the latter two exclusive, (n, 4), from left to right.
    """

    picture: Pictures
    boxes: NDArray[np.intp]


def line(text: str, font: Font, rng: np.random.Generator, height: int = 48) -> DrawnLine:
    """A line of text in a font, as on a good scan, dark on light or light on dark.

    Letters are spaced a little tighter or wider: some touch. Capitals are half the height.

    Raises:
        ValueError: the text has a character that is none of the 62, nor a space; or no other.
    """
    strange = sorted(set(text) - {*CHARACTERS, " "})
    if strange or not text.strip():
        raise ValueError(f"text is {text!r}; give some of 0-9, A-Z, a-z, and spaces between")
    pose = _poses(1, (height, height), LIGHT, rng)
    ink, pieces = _typeset(text, font, height, float(pose.scale[0]), rng)
    radius = round(float(np.clip(pose.weight[0], -0.03, 0.03)) * height)
    ink = _weighted(ink, max(radius, _least(font, height)))
    turn = _turn(ink.shape, pose)
    boxes = np.array([_moved(piece, turn, ink.shape) for piece in pieces])
    picture = expose(_halved(ink, turn)[None], pose.degree, LIGHT, rng, _line_lens)[0]
    return DrawnLine(picture, boxes)


def _typeset(
    text: str, font: Font, capital: int, size: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], list[NDArray[np.intp]]]:
    """Ink at twice the size it is wanted, and each character's inked pixels, row and column."""
    face = scaled(font, capital * size)
    track = rng.normal(0.01, 0.03) * capital
    gap = rng.uniform(0, 0.3) * capital  # more between words
    base = round(2 * BASELINE * capital) + round(rng.normal(0, 0.02) * capital)
    margin = rng.uniform(0.4, 1.0) * capital
    # What comes before a character, kerned to it.
    starts = [face.getlength(text[: i + 1]) - face.getlength(c) for i, c in enumerate(text)]
    starts = [x + track * i + gap * text[:i].count(" ") for i, x in enumerate(starts)]
    ink = np.zeros((2 * capital, int(starts[-1] + 2 * margin + 2 * capital)), dtype=np.uint8)
    pieces = []
    for x, character in zip(starts, text, strict=True):
        if character != " ":
            left = max(0, int(margin + x) - capital)
            room = ink[:, left : left + 4 * capital]
            glyph = drawn(face, character, room.shape, [(base, margin + x - left)])[0]
            np.maximum(room, glyph, out=room)
            faint = glyph.max() <= 127  # a hairline between two rows of pixels
            pieces.append(np.argwhere(glyph > (0 if faint else 127)) + np.array([0, left]))
    end = min(ink.shape[1], int(pieces[-1][:, 1].max() + margin))
    return ink[:, : end // 2 * 2], pieces


def _least(font: Font, capital: int) -> int:
    """By how many pixels strokes are widened at least, lest they be too thin to be seen."""
    return int(np.ceil((2 * _THINNEST - stroke_width(font, capital)) / 2))


def _weighted(ink: NDArray[np.uint8], radius: int) -> NDArray[np.uint8]:
    """Ink with strokes ``radius`` pixels broader on each side; hairlines become no narrower."""
    out = thicken(ink, radius)
    if radius < 0:
        hairlines = ink - np.minimum(ink, thicken(out, -radius))
        np.maximum(out, hairlines, out=out)
    return out


def _turn(shape: tuple[int, ...], pose: _Poses) -> Pictures:
    """The matrix that slants a line and turns it, as far as its ends stay in the picture."""
    steepest = 0.2 * shape[0] / shape[1]
    angle = np.clip(pose.angle[0], -steepest, steepest)
    return np.array(
        [[np.cos(angle), np.sin(angle)], [-np.sin(angle) - pose.slant[0], np.cos(angle)]]
    )


def _moved(piece: NDArray[np.intp], turn: Pictures, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """The box of a character's pixels after the turn, at half the size."""
    middle = np.array(shape) / 2
    points = ((piece + 0.5 - middle) @ turn.T + middle) / 2
    low, high = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
    top, left = np.maximum(low, 0)
    bottom, right = np.minimum(high, np.array(shape) // 2)
    return np.array([top, left, bottom, right], dtype=np.intp)


def _halved(ink: NDArray[np.uint8], turn: Pictures) -> Pictures:
    """The ink after the turn, at half the size, in [0, 1]."""
    from scipy.ndimage import affine_transform

    middle = (np.array(ink.shape) - 1) / 2
    back = np.linalg.inv(turn)
    turned = affine_transform(ink.astype(np.float32), back, middle - back @ middle, order=1)
    quarters = turned.reshape(ink.shape[0] // 2, 2, ink.shape[1] // 2, 2)
    return quarters.mean(axis=(1, 3)) / np.float32(255)


def _line_lens(
    picture: Pictures, degree: Pictures, look: Look, rng: np.random.Generator
) -> Pictures:
    """As for characters, for one picture of any width."""
    from PIL import Image
    from scipy.ndimage import gaussian_filter

    height, width = picture.shape[1:]
    coarse, blur = degree[0] * rng.random(2)
    seen = gaussian_filter(picture[0], blur * look.blur * height / 48)
    share = (look.resolution / 48) ** coarse
    fewer = max(2, round(share * width)), max(2, round(share * height))
    small = Image.fromarray(seen).resize(fewer, Image.Resampling.BOX)
    return np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))[None].copy()
