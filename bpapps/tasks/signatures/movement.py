"""Rapid movements of the pen, by the sigma-lognormal model.

A movement is a sum of strokes that overlap in time. Each stroke runs along a circular arc, and
its speed is a lognormal function of time: the neuromuscular system answers a command at time t0
like a long chain of coupled subsystems, and the central limit theorem gives the chain's impulse
response that shape. The pen's velocity is the vector sum of its strokes.

Sources: R. Plamondon, "A kinematic theory of rapid human movements" (Biological Cybernetics 72,
1995); C. O'Reilly and R. Plamondon, "Development of a Sigma-Lognormal representation for on-line
signatures" (Pattern Recognition 42, 2009), equations 1 to 5.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]
Number = float | Floats

RATE = 200
"""Samples a second, as of a good tablet."""
_REACH = 4.0  # deviations of the logarithm of time until a stroke is over but for 0.003%
_STRAIGHT = 1e-6  # radians below which an arc is a line


@dataclass(frozen=True)
class Strokes:
    """The parameters of n strokes, each an array of shape (n,).

    Args:
        start: t0, when the command for the stroke is given, in seconds.
        distance: D, the length of the arc, in any unit, at least 0.
        mu, sigma: of the lognormal, the delay and the spread of the response in logarithms of
            seconds; sigma above 0.
        angle_from, angle_to: directions of the arc at its start and end, in radians.

    Raises:
        ValueError: arrays of several lengths, a negative distance, a sigma that is not above 0,
            or values that are not finite.
    """

    start: Floats
    distance: Floats
    mu: Floats
    sigma: Floats
    angle_from: Floats
    angle_to: Floats

    def __post_init__(self) -> None:
        shapes = {field.name: getattr(self, field.name).shape for field in fields(self)}
        if len(set(shapes.values())) > 1 or self.start.ndim != 1:
            raise ValueError(f"strokes need arrays of one length (n,); these are {shapes}")
        if not all(np.isfinite(getattr(self, name)).all() for name in shapes):
            raise ValueError("the parameters of strokes must be finite")
        if (self.distance < 0).any() or (self.sigma <= 0).any():
            raise ValueError("strokes need distances of at least 0 and sigmas above 0")


def completed(t: ArrayLike, start: Number, mu: Number, sigma: Number) -> Floats:
    """The share of a stroke that is run until time t, from 0 to 1."""
    since = np.asarray(t, dtype=np.float64) - start
    safe = np.where(since > 0, since, 1.0)
    return np.where(since > 0, ndtr((np.log(safe) - mu) / sigma), 0.0)


def trajectory(strokes: Strokes, rate: float = RATE) -> tuple[Floats, Floats]:
    """When and where the pen is, from the first command until the last stroke is over.

    On an arc whose direction turns evenly with the share that is run, the integral of the
    velocity has a closed form, so that nothing is integrated by steps.

    Args:
        strokes: at least one.
        rate: samples a second, above 0.

    Returns:
        Times in seconds, (samples,), and the way from the starting point, (samples, 2), x and y,
        in the unit of the strokes' distances.

    Raises:
        ValueError: no stroke, or a rate that is not above 0.
    """
    if not len(strokes.start) or not rate > 0:
        raise ValueError("a trajectory needs at least one stroke and a rate above 0")
    origin, count, which, at = _running(strokes, rate)
    since = origin + at / rate
    share = completed(since, strokes.start[which], strokes.mu[which], strokes.sigma[which])
    begins = np.diff(which, prepend=-1) > 0
    share[begins], share[np.append(begins[1:], True)] = 0.0, 1.0
    step = np.diff(along(strokes, which, share), axis=0, prepend=0.0)
    step[begins] = 0.0
    steps = [np.bincount(at, step[:, k], count) for k in range(2)]
    return origin + np.arange(count) / rate, np.cumsum(np.stack(steps, axis=1), axis=0)


def _running(
    strokes: Strokes, rate: float
) -> tuple[float, int, NDArray[np.intp], NDArray[np.intp]]:
    """When the movement begins and how many samples it has, and while which strokes run.

    The latter two are (m,), a stroke and a sample: a stroke is worked out only while it runs, for
    a long signature has a hundred.
    """
    origin = float(strokes.start.min())
    spread = _REACH * strokes.sigma
    begin, end = (
        (strokes.start + np.exp(strokes.mu + side) - origin) * rate for side in (-spread, spread)
    )
    first = np.floor(begin).astype(np.intp)
    lasts = np.ceil(end).astype(np.intp) + 1 - first
    which = np.repeat(np.arange(len(first)), lasts)
    ends = np.cumsum(lasts)
    at = np.arange(ends[-1]) - (ends - lasts - first)[which]
    return origin, int(np.ceil(end.max())) + 2, which, at


def along(strokes: Strokes, which: NDArray[np.intp], share: Floats) -> Floats:
    """Where strokes are when a share of each is run, from the start of its arc.

    Args:
        strokes: n strokes.
        which: places of m strokes among the n, (m,).
        share: the share of each that is run, in [0, 1], (m,).

    Returns:
        x and y, (m, 2), in the unit of the strokes' distances.
    """
    turn = strokes.angle_to - strokes.angle_from
    # A line is taken for an arc that hardly turns.
    turn = np.where(np.abs(turn) < _STRAIGHT, _STRAIGHT, turn)
    start, radius = strokes.angle_from, strokes.distance / turn
    now = start[which] + turn[which] * share
    x = radius[which] * (np.sin(now) - np.sin(start)[which])
    y = radius[which] * (np.cos(start)[which] - np.cos(now))
    return np.stack([x, y], axis=1)


def arcs(points: Floats, turn: Floats) -> tuple[Floats, Floats, Floats]:
    """The arcs that lead from target to target.

    Args:
        points: targets, (n + 1, 2).
        turn: by how much the direction turns on the way, (n,), in radians, within ±2π.

    Returns:
        distance, angle_from and angle_to, each (n,).
    """
    chord = np.diff(points, axis=0)
    angle = np.arctan2(chord[:, 1], chord[:, 0])
    half = turn / 2
    return np.hypot(*chord.T) / np.sinc(half / np.pi), angle - half, angle + half


def turns(points: Floats, joined: NDArray[np.bool_], sharp: float = 2.2) -> Floats:
    """How arcs turn that pass through targets without a corner, (n,), in radians.

    The change of direction at a target is shared between the arcs before and after it. Where the
    way turns back by more than ``sharp`` radians there is a cusp, and where the two strokes are
    not ``joined``, (n - 1,), nothing is shared.
    """
    chord = np.diff(points, axis=0)
    angle = np.arctan2(chord[:, 1], chord[:, 0])
    outer = (np.diff(angle) + np.pi) % (2 * np.pi) - np.pi
    outer = np.where(joined & (np.abs(outer) < sharp), outer, 0.0)
    return (np.append(outer, 0.0) + np.insert(outer, 0, 0.0)) / 2
