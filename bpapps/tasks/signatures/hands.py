"""Hands: how a person shapes letters, and how that person's muscles move the pen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpapps.tasks.signatures import letters, movement
from bpapps.tasks.signatures.letters import Letter, Skeleton
from bpapps.tasks.signatures.movement import Floats, Strokes

_STEEPEST = 2.6  # radians an arc may turn: more is no stroke but a loop
_TREMOR = 22  # changes a second of a trembling pen's direction, that is about 8 to 11 Hz


@dataclass(frozen=True)
class Motor:
    """How a person moves the pen.

    Args:
        pace: seconds that a stroke of usual length takes.
        overlap: how far a stroke's speed spreads, in its pace; below 0.25 the pen all but stops
            between strokes, from 0.4 on they run into each other and corners become round.
        sigma: of the lognormals.
        roundness: how much of the turn at a target is taken on the way, 0 to about 1.2.
        jitter: deviation of the logarithms of the strokes' parameters from sample to sample.
        tremor: deviation of an unsteady pen from its way, in pixels.
        hesitation: share of the strokes before which the pen lingers.
        pressure: the usual pressure, about 1.
    """

    pace: float = 0.11
    overlap: float = 0.33
    sigma: float = 0.25
    roundness: float = 0.9
    jitter: float = 0.04
    tremor: float = 0.1
    hesitation: float = 0.0
    pressure: float = 1.0


@dataclass(frozen=True)
class Hand:
    """How a person shapes letters.

    Args:
        seed: of the forms of the letters and of their peculiarities.
        printed: how likely a letter is printed rather than cursive.
        peculiar: deviation of a letter's targets from its skeleton, in heights of an x.
        slur: share of the inner targets of small letters that are skipped.
        width, capital, ascender, descender: scales of the letters and of what sticks out.
        spacing: room between letters, in heights of an x.
        join: how likely a letter is joined to the one before.
        slant: shear, positive to the right.
        motor: how the pen moves.
    """

    seed: int
    printed: float
    peculiar: float
    slur: float
    width: float
    capital: float
    ascender: float
    descender: float
    spacing: float
    join: float
    slant: float
    motor: Motor


class Trace(NamedTuple):
    """A movement of the pen, sampled at :data:`movement.RATE`.

    ``points`` is (samples, 2), x and y in the unit of the targets; ``down``, (samples,), says
    when the pen is on the paper; ``speed`` is in units a second; ``ends``, (strokes + 1,), are
    the samples at which strokes end, the first being 0.
    """

    points: Floats
    down: NDArray[np.bool_]
    speed: Floats
    ends: NDArray[np.intp]


def draw_hand(rng: np.random.Generator) -> Hand:
    """A person's hand."""
    printed = float(rng.choice([0.08, 0.35, 0.92], p=[0.55, 0.25, 0.2]))
    tall = float(np.exp(rng.normal(0, 0.2)))
    return Hand(
        seed=int(rng.integers(2**31)),
        printed=printed,
        peculiar=float(rng.uniform(0.06, 0.2)),
        slur=float(rng.choice([0.0, rng.uniform(0, 0.35)])),
        width=float(np.exp(rng.normal(-0.15, 0.22))),
        capital=float(np.exp(rng.normal(0.08, 0.22))),
        ascender=tall,
        descender=tall * float(np.exp(rng.normal(0, 0.2))),
        spacing=float(rng.uniform(0.02, 0.4) + 0.15 * (printed > 0.5)),
        join=float(rng.uniform(0.7, 1.0) if printed < 0.5 else rng.uniform(0.0, 0.35)),
        slant=float(rng.normal(0.28, 0.25)),
        motor=draw_motor(rng),
    )


def draw_motor(rng: np.random.Generator) -> Motor:
    """A person's usual movement: quick and fluent, but some people are slow and unsteady."""
    unsteady = float(rng.uniform(0, 1)) if rng.random() < 0.25 else 0.0
    return Motor(
        pace=float(rng.uniform(0.08, 0.14) * (1 + 0.6 * unsteady)),
        overlap=float(rng.uniform(0.26, 0.48) * (1 - 0.25 * unsteady)),
        sigma=float(rng.uniform(0.15, 0.35)),
        roundness=float(rng.uniform(0.7, 1.15)),
        jitter=float(rng.uniform(0.02, 0.06)),
        tremor=float(rng.uniform(0.03, 0.15) + 0.3 * unsteady),
        hesitation=float(0.06 * unsteady),
        pressure=float(np.exp(rng.normal(0, 0.1))),
    )


def shaped(hand: Hand, character: str) -> Letter:
    """A letter as this hand shapes it, always alike, upright, from x = 0 on."""
    rng = np.random.default_rng((hand.seed, ord(character)))
    forms = letters.forms(character)
    print_form = 0 if character.isupper() else 1
    likely = np.where(np.arange(len(forms)) == print_form, hand.printed, 1 - hand.printed)
    form = forms[rng.choice(len(forms), p=likely / likely.sum())]
    scale = np.exp(rng.normal(0, 0.1, 2)) * [hand.width, 1]
    if character.isupper():
        scale *= hand.capital
    left = form.body.points[:, 0].min()
    slur = hand.slur if character.islower() else 0.3 * hand.slur

    def own(part: Skeleton, slur: float) -> Skeleton:
        keep = _kept(part, slur, rng)
        points = part.points[keep] - [left, 0]
        points += rng.normal(0, hand.peculiar, points.shape)
        y = points[:, 1]
        y += (hand.ascender - 1) * np.maximum(y - 1, 0) + (hand.descender - 1) * np.minimum(y, 0)
        return Skeleton(points * scale, part.down[keep])

    return Letter(own(form.body, slur), tuple(own(mark, 0.0) for mark in form.marks))


def _kept(part: Skeleton, slur: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which targets are not slurred over; the first and last of a trace of the pen always stay."""
    last = np.append(~part.down[1:], True)
    return last | ~part.down | (rng.random(len(last)) >= slur)


def move(points: Floats, down: NDArray[np.bool_], motor: Motor, rng: np.random.Generator) -> Trace:
    """Leads the pen from target to target, (n, 2) with n at least 2.

    ``down``, (n,), says whether the pen is on the paper on the way to a target; the first value
    counts for nothing. No two movements are alike: each stroke's parameters stray by
    ``motor.jitter``, which is the variability of the neuromuscular system.
    """
    drawn = down[1:]
    n = len(drawn)
    jitter = rng.normal(0, motor.jitter, (6, n))
    turn = movement.turns(points, drawn[1:] & drawn[:-1]) * motor.roundness
    turn = np.clip(turn + 3 * jitter[0], -_STEEPEST, _STEEPEST)
    distance, start, end = movement.arcs(points, turn)
    swing = 0.5 * jitter[1]
    takes = _durations(distance, drawn, motor, rng) * np.exp(2 * jitter[2])
    ends = np.cumsum(takes)
    sigma = motor.sigma * np.exp(2 * jitter[3])
    # The deviation in time of a lognormal is about its median times sigma.
    median = motor.overlap * takes / sigma
    begin = ends - takes / 2 - median + takes * jitter[4]
    length = distance * np.exp(0.5 * jitter[5])
    strokes = Strokes(begin, length, np.log(median), sigma, start + swing, end + swing)
    times, way = movement.trajectory(strokes)
    path = points[0] + way + _tremor(len(times), motor.tremor, rng)
    speed = np.hypot(*np.gradient(path, axis=0).T) * movement.RATE
    which = np.minimum(np.searchsorted(ends, times), n - 1)
    at = np.minimum(np.searchsorted(times, np.insert(ends, 0, times[0])), len(times) - 1)
    at[-1] = len(times) - 1
    return Trace(path, drawn[which], speed, at)


def _durations(
    distance: Floats, drawn: NDArray[np.bool_], motor: Motor, rng: np.random.Generator
) -> Floats:
    """How long each stroke takes, in seconds: long ones not much longer than short ones."""
    usual = max(float(np.median(distance)), 1e-9)
    takes = motor.pace * np.clip(distance / usual, 0.3, 20) ** 0.35
    change = drawn != np.insert(drawn[:-1], 0, drawn[0])  # the pen is lifted or set down
    takes *= np.where(change, 1.5, 1.0)
    lingers = rng.random(len(drawn)) < motor.hesitation
    return takes * np.where(lingers, rng.uniform(1.5, 3.0, len(drawn)), 1.0)


def _tremor(count: int, size: float, rng: np.random.Generator) -> Floats:
    """A smooth random walk about 0, (count, 2)."""
    knots = rng.normal(0, size, (int(count * _TREMOR / movement.RATE) + 2, 2))
    at = np.arange(count) * (_TREMOR / movement.RATE)
    place = at.astype(np.intp)
    part = (1 - np.cos(np.pi * (at - place)))[:, None] / 2
    return knots[place] * (1 - part) + knots[place + 1] * part
