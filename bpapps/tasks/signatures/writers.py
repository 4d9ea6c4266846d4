"""Writers: people who sign with a plan of their own, and never twice alike.

What stays is the plan, the hand and the habits; what varies is drawn anew for each signature:
the parameters of each stroke (see :func:`hands.move`), where the targets are, the size, slant and
direction of the whole. Sources for what varies and how: J. Galbally, R. Plamondon, J. Fierrez and
J. Ortega-Garcia, "Synthetic on-line signature generation, part I" (Pattern Recognition 45, 2012);
M. Ferrer, M. Diaz-Cabrera and A. Morales, "Static signature synthesis: a neuromotor inspired
approach for biometrics" (IEEE PAMI 37, 2015).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from bpapps.tasks.signatures import plans
from bpapps.tasks.signatures.hands import Hand, Trace, draw_hand, move
from bpapps.tasks.signatures.letters import Floats
from bpapps.tasks.signatures.plans import MARK, Plan, Unit

TALLEST, WIDEST = 132.0, 400.0
"""Pixels that a writer's signature usually keeps within."""


@dataclass(frozen=True)
class Variation:
    """How far signatures stray from the plan, by deviation if nothing else is said.

    Args:
        size, aspect: of the logarithms of the height and of the width to it.
        slant: of the shear.
        turn: of the direction of the whole, in radians.
        bow: of the bend of the baseline, in heights of an x at the ends.
        drift: of a unit's place to the unit before, in heights of an x.
        scale: of the logarithms of a unit's width and height.
        point: of a target, in heights of an x.
        omit: share of the marks left out.
        skip: share of the inner targets left out, and with each a stroke.
        lift, join: share of the places between units where the pen is lifted and usually is not,
            or is not lifted and usually is.
    """

    size: float = 0.1
    aspect: float = 0.07
    slant: float = 0.06
    turn: float = 0.04
    bow: float = 0.12
    drift: float = 0.07
    scale: float = 0.08
    point: float = 0.05
    omit: float = 0.04
    skip: float = 0.015
    lift: float = 0.04
    join: float = 0.04

    def times(self, factor: float) -> Variation:
        """The same, so many times as much."""
        return replace(self, **{f.name: factor * getattr(self, f.name) for f in fields(self)})


@dataclass(frozen=True)
class Pose:
    """How a signature lies: pixels a height of an x, width to height, shear, and direction."""

    size: float
    aspect: float
    slant: float
    turn: float


@dataclass(frozen=True)
class Writer:
    """Who signs: a hand, a plan in it, how it usually lies and how far it strays."""

    hand: Hand
    units: tuple[Unit, ...]
    pose: Pose
    variation: Variation


def draw_writer(rng: np.random.Generator) -> Writer:
    """A writer unlike any other."""
    hand = draw_hand(rng)
    units = tuple(plans.compose(hand, rng))
    steep = rng.random() < 0.2
    turn = float(rng.normal(0.45, 0.2) if steep else rng.normal(0.06, 0.07))
    pose = Pose(float(21 * np.exp(rng.normal(0, 0.3))), 1.0, hand.slant, turn)
    steadiness = float(np.exp(rng.normal(0.1, 0.2)))
    variation = Variation().times(steadiness)
    return Writer(hand, units, _fitting(units, pose), variation)


def _fitting(units: tuple[Unit, ...], pose: Pose) -> Pose:
    """The pose at a size at which the signature is neither too large nor tiny."""
    wide, tall = np.ptp(placed(plans.joined(units).points, pose), axis=0)
    most = min(TALLEST / tall, WIDEST / wide, 1.0)
    least = min(max(45 / tall, 90 / wide, 1.0), TALLEST / tall, WIDEST / wide)
    return replace(pose, size=pose.size * (least if least > 1 else most))


def sign(writer: Writer, rng: np.random.Generator) -> Trace:
    """A genuine signature: the movement, in pixels, y down."""
    plan = varied(writer.units, writer.variation, rng)
    pose = posed(writer.pose, writer.variation, rng)
    return move(placed(plan.points, pose), plan.down, writer.hand.motor, rng)


def posed(pose: Pose, variation: Variation, rng: np.random.Generator) -> Pose:
    """A pose near the usual one."""
    size, aspect, slant, turn = rng.normal(0, 1, 4).clip(-2.5, 2.5)
    return Pose(
        pose.size * float(np.exp(variation.size * size)),
        pose.aspect * float(np.exp(variation.aspect * aspect)),
        pose.slant + variation.slant * slant,
        pose.turn + variation.turn * turn,
    )


def placed(points: Floats, pose: Pose) -> Floats:
    """Upright targets, (n, 2), as they lie on the paper, in pixels, y down."""
    x = (points[:, 0] + pose.slant * points[:, 1]) * np.sqrt(pose.aspect)
    y = points[:, 1] / np.sqrt(pose.aspect)
    cos, sin = np.cos(pose.turn), np.sin(pose.turn)
    return pose.size * np.stack([cos * x - sin * y, -sin * x - cos * y], axis=1)


def varied(
    units: tuple[Unit, ...] | list[Unit], variation: Variation, rng: np.random.Generator
) -> Plan:
    """The plan of units as it comes out one time, upright, in heights of an x."""
    omitted = rng.random(len(units)) < variation.omit
    plan = plans.joined([u for u, o in zip(units, omitted, strict=True) if u.kind != MARK or not o])
    n = int(plan.unit[-1]) + 1
    kept = plan.points.copy()
    # A unit grows about the middle of its foot, and pushes the next units on.
    first = np.flatnonzero(np.diff(plan.unit, prepend=-1))
    left, right = (f.reduceat(kept[:, 0], first) for f in (np.minimum, np.maximum))
    scale = np.exp(rng.normal(0, variation.scale, (n, 2)))
    drift = rng.normal(0, variation.drift, (n, 2))
    drift[:, 0] += np.insert(np.cumsum((right - left) * (scale[:, 0] - 1))[:-1], 0, 0.0) / 2
    drift[:, 0] = _walk(drift[:, 0], left)
    foot = np.stack([(left + right) / 2, np.zeros(n)], axis=1)[plan.unit]
    kept = foot + (kept - foot) * scale[plan.unit] + drift[plan.unit]
    kept += rng.normal(0, variation.point, kept.shape)
    kept[:, 1] += rng.normal(0, variation.bow) * _bend(kept[:, 0])
    return _slips(plan._replace(points=kept), variation, rng)


def _walk(drift: Floats, left: Floats) -> Floats:
    """Drifts that add up along the line; what is written later at one place keeps to it."""
    order = np.argsort(left, kind="stable")
    out = np.empty_like(drift)
    out[order] = np.cumsum(0.5 * drift[order])
    return out - out.mean() + 0.5 * drift


def _bend(x: Floats) -> Floats:
    """A bow from 1 at the ends down to -1 in the middle."""
    across = (x - x.min()) / max(float(np.ptp(x)), 1e-9)
    return 8 * (across - 0.5) ** 2 - 1


def _slips(plan: Plan, variation: Variation, rng: np.random.Generator) -> Plan:
    """With targets skipped, and the pen lifted where it usually is not, or not lifted."""
    begins = np.flatnonzero(np.diff(plan.unit, prepend=-1))
    slip = rng.random(len(begins))
    near = np.hypot(*(plan.points[begins] - plan.points[begins - 1]).T) < 0.8
    down = plan.down.copy()
    joins = near & (slip < variation.join)
    down[begins] = np.where(down[begins], slip >= variation.lift, joins)
    inner = down & np.append(down[1:], False)
    stays = ~inner | (rng.random(len(down)) >= variation.skip)
    return plan._replace(points=plan.points[stays], down=down[stays], unit=plan.unit[stays])
