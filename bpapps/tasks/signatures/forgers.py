"""Forgers: people who have seen a signature or a few, and imitate what they saw.

A forger sees the shape and not the movement. He aims at points of the trace that he saw, more of
them than the writer ever aimed at if he takes care, and moves with his own muscles: a careful
forger is slow, halting and unsteady, a careless one quick, but he gets proportions wrong and
falls back on letters of his own. He lifts the pen where he needs to look, and presses as he does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bpapps.tasks.signatures.hands import Hand, Motor, Trace, draw_hand, move, shaped
from bpapps.tasks.signatures.plans import LETTER, Unit, parted
from bpapps.tasks.signatures.writers import Pose, Variation, Writer, placed, posed, varied

FORGERS = 3
"""How many people forge one writer's signature."""
_BEYOND = 0.6  # of what the writer's own pen cut off a corner


@dataclass(frozen=True)
class Forger:
    """Who forges.

    Args:
        hand: his own.
        motor: how he moves when he forges.
        care: 0 to 1, how closely he looks.
        own: share of the letters that he writes as he always does.
        errors: how far he strays from what he saw.
        bias: his habitual error in how the whole lies.
    """

    hand: Hand
    motor: Motor
    care: float
    own: float
    errors: Variation
    bias: Pose


def draw_forger(writer: Writer, rng: np.random.Generator) -> Forger:
    """Someone who forges this writer's signature."""
    care = float(rng.random() ** 1.4)  # most take little
    hand = _legible(draw_hand(rng), rng)
    # What he gets wrong is proportions and places rather than each single target.
    errors = replace(
        writer.variation.times(float(2.9 - 0.8 * care)),
        point=1.2 * writer.variation.point,
        size=0.15, aspect=0.11, slant=0.1, turn=0.05,
        omit=0.08, skip=0.06, lift=float(rng.uniform(0.05, 0.5)),
    )  # fmt: skip
    usual = Pose(0.95, 1.03, 0.0, 0.0)  # errors add height
    bias = posed(usual, replace(errors, aspect=0.15, slant=0.16, turn=0.07), rng)
    own = float(rng.uniform(0.3, 1.0) * (1 - 0.7 * care))
    return Forger(hand, _forging(hand.motor, care, rng), care, own, errors, bias)


def _legible(hand: Hand, rng: np.random.Generator) -> Hand:
    """The hand of someone who wants each letter to be right: slurred little, and often printed."""
    printed = max(hand.printed, float(rng.choice([0.0, 0.85])))
    return replace(hand, slur=0.3 * hand.slur, printed=printed)


def _forging(motor: Motor, care: float, rng: np.random.Generator) -> Motor:
    """The movement of someone who draws rather than writes, the more so the more care he takes."""
    return replace(
        motor,
        pace=motor.pace * float(1.1 + care * rng.uniform(0.2, 1.2)),
        overlap=motor.overlap * float(1 - care * rng.uniform(0.1, 0.4)),
        tremor=motor.tremor + float(care * rng.uniform(0, 0.4)),
        hesitation=motor.hesitation + float((0.3 + care) * rng.uniform(0, 0.12)),
        pressure=motor.pressure * float(np.exp(rng.normal(0, 0.1))),
    )


def forge(writer: Writer, forger: Forger, rng: np.random.Generator) -> Trace:
    """A skilled forgery of a writer's signature: the movement, in pixels, y down."""
    units = [
        _own(unit, forger) if unit.kind == LETTER and rng.random() < forger.own else unit
        for unit in _seen(writer, forger, rng)
    ]
    plan = varied(units, forger.errors, rng)
    bias = forger.bias
    pose = Pose(
        writer.pose.size * bias.size,
        writer.pose.aspect * bias.aspect,
        writer.pose.slant + bias.slant,
        writer.pose.turn + bias.turn,
    )
    return move(placed(plan.points, posed(pose, forger.errors, rng)), plan.down, forger.motor, rng)


def _seen(writer: Writer, forger: Forger, rng: np.random.Generator) -> list[Unit]:
    """The writer's signature as its trace shows it: the points at which to aim, by unit.

    They lie on the trace, where one stroke ends and, on strokes that are long or looked at with
    care, half way.
    """
    plan = varied(writer.units, writer.variation, rng)
    motor = replace(writer.hand.motor, tremor=0.0)
    size = writer.pose.size  # seen upright, at the size of the paper
    trace = move(plan.points * size, plan.down, motor, rng)
    long = np.hypot(*np.diff(plan.points, axis=0).T) > rng.uniform(0.5, 1.2)
    closely = rng.random(len(long)) < 0.35 + 0.65 * forger.care
    half = np.flatnonzero(long & closely & plan.down[1:])
    # He knows that a pen in motion cuts corners, and aims beyond them.
    corners = (1 - _BEYOND) * trace.points[trace.ends] + _BEYOND * size * plan.points
    halves = trace.points[(trace.ends[half] + trace.ends[half + 1]) // 2]
    places = np.concatenate([halves, corners]) / size
    source = np.concatenate([half + 1, np.arange(len(plan.points))])
    order = np.argsort(source, kind="stable")  # half way comes before the end
    places, source = places[order], source[order]
    return parted(plan._replace(points=places, down=plan.down[source], unit=plan.unit[source]))


def _own(unit: Unit, forger: Forger) -> Unit:
    """The letter as the forger writes it, as large as the one he saw."""
    body = shaped(forger.hand, unit.text).body
    low, high = unit.points.min(axis=0), unit.points.max(axis=0)
    mine, extent = body.points.min(axis=0), np.ptp(body.points, axis=0)
    scale = np.clip((high - low) / np.maximum(extent, 0.1), 0.4, 2.5)
    down = body.down.copy()
    down[0] = unit.down[0]
    return unit._replace(points=low + (body.points - mine) * scale, down=down)
