"""Ink: a movement of the pen as a scan shows it, gray on white paper.

A slow pen leaves more ink, and more pressure a broader and darker line; a line tapers where the
pen is set down or lifted in motion. The pen, the paper and the scanner are drawn without regard
to who signs or whether it is genuine, so that neither pen, paper nor scanner tells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from bpapps.tasks.signatures.hands import Trace
from bpapps.tasks.signatures.letters import Floats
from bpapps.tasks.signatures.movement import RATE

Picture = NDArray[np.uint8]

_LARGEST = (150, 600)  # height and width of the ink
_STEP = 0.6  # pixels between stamps of the pen
_BROADEST = 3.4  # pixels of radius
_BLOT = 12  # stamps over which the ink flows evenly
_TAPER = 0.03  # seconds until the pen is fully on the paper


@dataclass(frozen=True)
class Pen:
    """What a line looks like.

    Args:
        width: of a line drawn at the usual speed and pressure, in pixels.
        gray: of its middle, 0 black to 1 white.
        yields: how much broader and darker a line becomes with pressure.
        skips: share of the ink that is missing where the ball turns badly.
        grain: deviation of the ink from pixel to pixel.
    """

    width: float = 2.0
    gray: float = 0.3
    yields: float = 0.5
    skips: float = 0.1
    grain: float = 0.08


@dataclass(frozen=True)
class Scan:
    """What the paper and the scanner add.

    Args:
        blur: deviation of the lens, in pixels.
        noise: deviation of the gray of the paper, in gray levels of 255, kept below white.
        specks: how many specks there are.
        margin: pixels around the ink: above, below, left and right.
        turn: of the paper, in radians.
    """

    blur: float = 0.5
    noise: float = 2.0
    specks: int = 0
    margin: tuple[int, int, int, int] = (8, 8, 8, 8)
    turn: float = 0.0


def draw_pen(rng: np.random.Generator) -> Pen:
    """Any pen: a ball pen, a fine one, a gel pen or a felt tip."""
    kind = rng.choice(4, p=[0.6, 0.15, 0.17, 0.08])
    width = (1.7, 1.4, 2.0, 2.6)[kind] * float(np.exp(rng.normal(0, 0.12)))
    return Pen(
        width=width,
        gray=float(rng.uniform(0.1, 0.5) - 0.1 * (kind >= 2)),
        yields=float(rng.uniform(0.3, 0.7) * (1.0 if kind < 2 else 0.4)),
        skips=float(rng.uniform(0.0, 0.3) if kind == 0 else rng.uniform(0, 0.08)),
        grain=float(rng.uniform(0.03, 0.15)),
    )


def draw_scan(rng: np.random.Generator) -> Scan:
    """Any scan."""
    return Scan(
        blur=float(rng.uniform(0.3, 0.75)),
        noise=float(rng.choice([0.0, rng.uniform(0.5, 4)])),
        specks=int(rng.poisson(0.4)),
        margin=tuple(rng.integers(1, 25, 4).tolist()),
        turn=float(rng.normal(0, 0.015)),
    )


def render(
    trace: Trace, pressure: float, pen: Pen, scan: Scan, rng: np.random.Generator
) -> Picture:
    """A picture of a signature, (h, w), white paper being 255.

    Args:
        trace: points in pixels, y down; where the pen is down is drawn.
        pressure: the writer's usual one, about 1.
        pen, scan: what it was written and taken with.
        rng: for texture and noise.
    """
    points, force = _line(trace, pressure)
    points = _fitting(_turned(points, scan.turn))
    top, bottom, left, right = (m + round(_BROADEST) for m in scan.margin)
    height, width = np.ceil(np.ptp(points, axis=0)[::-1]).astype(int) + 1
    shape = (int(height) + top + bottom, int(width) + left + right)
    points = points - points.min(axis=0) + [left, top]
    return _exposed(_stamped(points, force, pen, shape, rng), pen, scan, rng)


def _line(trace: Trace, pressure: float) -> tuple[Floats, Floats]:
    """Points evenly along what is drawn, (n, 2), and the force of the pen at each, (n,)."""
    down = trace.down
    moves = np.hypot(*np.diff(trace.points, axis=0, prepend=trace.points[:1]).T)
    # Where the pen is lifted no way is made, so that no point falls in between.
    begun = down & np.append(False, down[:-1])
    far = np.cumsum(np.where(begun, moves, 0.0))
    place = np.linspace(0, far[-1], max(2, int(far[-1] / _STEP)))
    after = np.clip(np.searchsorted(far, place), 1, len(far) - 1)
    step = far[after] - far[after - 1]
    part = np.where(step > 0, (place - far[after - 1]) / np.where(step > 0, step, 1), 1.0)
    points = trace.points[after - 1] * (1 - part[:, None]) + trace.points[after] * part[:, None]
    return points, _force(trace, pressure)[after]


def _force(trace: Trace, pressure: float) -> Floats:
    """How hard the pen presses, the ink it leaves, by sample: about ``pressure``."""
    down, at = trace.down, np.arange(len(trace.down))
    edge = np.flatnonzero(np.diff(down.astype(np.int8), prepend=0, append=0))
    run = np.clip(np.searchsorted(edge, at, side="right"), 1, len(edge) - 1)
    # How long the pen has been down, or how long it will be.
    rest = np.minimum(at - edge[run - 1], edge[run] - 1 - at) / RATE
    usual = np.median(trace.speed[down]) + 1e-9
    force = pressure * (trace.speed / usual + 0.25) ** -0.2
    return force * (0.35 + 0.65 * np.clip(rest / _TAPER, 0, 1))


def _turned(points: Floats, angle: float) -> Floats:
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]])


def _fitting(points: Floats) -> Floats:
    """Made smaller if the ink is larger than a picture may be."""
    wide, tall = np.ptp(points, axis=0)
    return points / max(1.0, tall / _LARGEST[0], wide / _LARGEST[1])


def _stamped(
    points: Floats, force: Floats, pen: Pen, shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """The ink of round stamps along a line, the darkest at each pixel, in [0, 1]."""
    radius, dark = _flow(force, pen, rng)
    corner = np.floor(points).astype(np.intp)
    reach = int(radius.max() + 1.0)
    cells = np.arange(-reach, reach + 1)
    away = (cells.astype(np.float32) - (points - corner).astype(np.float32)[:, :, None]) ** 2
    away = np.sqrt(away[:, 1, :, None] + away[:, 0, None, :])
    # The share of a pixel that a stamp covers, all but exactly.
    ink = np.clip(radius[:, None, None] + 0.5 - away, 0, 1) * dark[:, None, None]
    rows, columns = corner[:, 1, None] + cells, corner[:, :1] + cells
    index = rows[:, :, None] * shape[1] + columns[:, None, :]
    out = np.zeros(shape[0] * shape[1], dtype=np.float32)
    some = ink > 0
    np.maximum.at(out, index[some], ink[some])
    return out.reshape(shape)


def _flow(
    force: Floats, pen: Pen, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The radius in pixels and the darkness in [0, 1] of each stamp."""
    knots = np.arange(0, len(force) + _BLOT, _BLOT)
    uneven = np.interp(np.arange(len(force)), knots, rng.standard_normal(len(knots)))
    radius = 0.5 * pen.width * np.clip(force, 0.2, 1.8) ** pen.yields * (1 + 0.06 * uneven)
    dark = np.clip(force, 0.1, 1.3) ** (0.7 * pen.yields)
    dark *= 1 - pen.skips * np.clip(0.8 * uneven, 0, 1)
    return np.clip(radius, 0.5, _BROADEST).astype(np.float32), dark.astype(np.float32)


def _exposed(ink: NDArray[np.float32], pen: Pen, scan: Scan, rng: np.random.Generator) -> Picture:
    """Ink in [0, 1] as gray levels."""
    wet = np.flatnonzero(ink)
    ink.ravel()[wet] *= 1 + pen.grain * rng.standard_normal(len(wet), dtype=np.float32)
    for _ in range(scan.specks):
        y, x = (rng.random(2) * ink.shape).astype(int)
        ink[y : y + int(rng.integers(1, 3)), x : x + int(rng.integers(1, 3))] = rng.uniform(
            0.2, 0.8
        )
    gray = 255.5 - 255 * (1 - pen.gray) * gaussian_filter(ink, scan.blur, truncate=2.5)
    if scan.noise > 0:
        gray -= np.abs(scan.noise * rng.standard_normal(ink.shape, dtype=np.float32))
    return np.clip(gray, 0, 255, out=gray).astype(np.uint8)
