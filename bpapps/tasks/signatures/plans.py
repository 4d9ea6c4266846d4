"""Action plans: the targets of a whole signature, letter by letter and flourish by flourish.

A plan is upright, in heights of an x from the baseline, and made of units: a letter, a part of a
scribble, a flourish, or a mark such as the dot of an i. Units are what drifts as a whole from
sample to sample, and what a forger copies or writes in a hand of his own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpapps.tasks.signatures import letters
from bpapps.tasks.signatures.hands import Hand, shaped
from bpapps.tasks.signatures.letters import Floats

LETTER, SCRIBBLE, FLOURISH, MARK = "letter", "scribble", "flourish", "mark"


class Unit(NamedTuple):
    """Targets (k, 2), and whether the pen is down on the way to each target, (k,).

    ``down[0]`` says whether the unit is joined to the one before. ``text`` is the letter, or "".
    """

    kind: str
    text: str
    points: Floats
    down: NDArray[np.bool_]


class Plan(NamedTuple):
    """All targets of a signature, (n, 2), and whether the pen is ``down`` on the way there, (n,).

    ``unit``, (n,), is the place of a target's unit among the units, and ``kinds`` and
    ``texts`` tell what they are.
    """

    points: Floats
    down: NDArray[np.bool_]
    unit: NDArray[np.intp]
    kinds: tuple[str, ...]
    texts: tuple[str, ...]


def joined(units: Sequence[Unit]) -> Plan:
    """The plan of units that follow each other."""
    return Plan(
        np.concatenate([unit.points for unit in units]),
        np.concatenate([unit.down for unit in units]),
        np.repeat(np.arange(len(units)), [len(unit.points) for unit in units]),
        tuple(unit.kind for unit in units),
        tuple(unit.text for unit in units),
    )


def parted(plan: Plan) -> list[Unit]:
    """The units of a plan."""
    starts = np.flatnonzero(np.diff(plan.unit)) + 1
    pieces = zip(np.split(plan.points, starts), np.split(plan.down, starts), strict=True)
    which = plan.unit[np.insert(starts, 0, 0)]
    return [
        Unit(plan.kinds[k], plan.texts[k], *piece) for k, piece in zip(which, pieces, strict=True)
    ]


def compose(hand: Hand, rng: np.random.Generator) -> list[Unit]:
    """The units of a signature of some style: a full name, initials, a scribble and so on."""
    styles: list[Callable[[Hand, np.random.Generator], list[Unit]]] = [
        _full_name, _initial_and_name, _one_name, _initials, _illegible, _loops, _two_lines
    ]  # fmt: skip
    style = styles[rng.choice(len(styles), p=[0.38, 0.14, 0.14, 0.09, 0.15, 0.05, 0.05])]
    units = style(hand, rng)
    more = _FLOURISHES[rng.choice(len(_FLOURISHES), p=_OFTEN)]
    return units + more(units, rng)


# ------------------------------------------------------------------ names


def _full_name(hand: Hand, rng: np.random.Generator) -> list[Unit]:
    units = word(hand, letters.name(rng, int(rng.integers(1, 4))), rng)
    if rng.random() < 0.3:
        units = after(units, _dotted(word(hand, letters.name(rng, 1)[0], rng), rng), rng)
    return after(units, word(hand, letters.name(rng, int(rng.integers(1, 4))), rng), rng)


def _initial_and_name(hand: Hand, rng: np.random.Generator) -> list[Unit]:
    units = _dotted(word(hand, letters.name(rng, 1)[0], rng), rng)
    if rng.random() < 0.3:
        units = after(units, _dotted(word(hand, letters.name(rng, 1)[0], rng), rng), rng)
    return after(units, word(hand, letters.name(rng, int(rng.integers(2, 4))), rng), rng)


def _one_name(hand: Hand, rng: np.random.Generator) -> list[Unit]:
    units = word(hand, letters.name(rng, int(rng.integers(2, 4))), rng)
    if rng.random() < 0.3:
        units = after(units, word(hand, letters.name(rng, 1)[0], rng), rng)
    return units


def _initials(hand: Hand, rng: np.random.Generator) -> list[Unit]:
    units = word(hand, letters.name(rng, 1)[0], rng)
    for _ in range(int(rng.integers(1, 3))):
        units = after(units, word(hand, letters.name(rng, 1)[0], rng), rng, rng.uniform(-0.4, 0.4))
    return units + _trail(units, rng) if rng.random() < 0.7 else units


def _illegible(hand: Hand, rng: np.random.Generator) -> list[Unit]:
    """A legible beginning and then a wave, once or twice over."""

    def part() -> list[Unit]:
        start = word(hand, letters.name(rng, 2)[: int(rng.integers(1, 4))], rng)
        return start + _wave(start, hand, rng)

    units = part()
    return after(units, part(), rng) if rng.random() < 0.6 else units


def _loops(hand: Hand, rng: np.random.Generator) -> list[Unit]:
    """A scribble of loops, after a capital or without one."""
    units = word(hand, letters.name(rng, 1)[0], rng) if rng.random() < 0.6 else []
    x = right(units) if units else 0.0
    for k in range(int(rng.integers(2, 6))):
        tall, wide = rng.uniform(0.6, 3.0), rng.uniform(0.4, 1.6)
        low = rng.uniform(-0.6, 0.3)
        loop = np.array([(0, low), (wide, low + tall * 0.6), (0.3, low + tall), (-0.3, 0.4 * tall)])
        start = bool(units) and (k > 0 or rng.random() < 0.5)
        units.append(_unit(SCRIBBLE, _at(loop, x), start))
        x += rng.uniform(0.3, 1.6)
    return units


def _two_lines(hand: Hand, rng: np.random.Generator) -> list[Unit]:
    above = _one_name(hand, rng)
    below = word(hand, letters.name(rng, int(rng.integers(1, 3))), rng)
    return above + moved(below, rng.uniform(-0.5, 3.0), -rng.uniform(2.4, 3.2))


def word(hand: Hand, text: str, rng: np.random.Generator) -> list[Unit]:
    """The units of a word from x = 0 on; its marks come last."""
    capitals = hand.printed > 0.5 and hand.seed % 4 == 0  # some print all in capitals
    body: list[Unit] = []
    marks: list[Unit] = []
    x = 0.0
    for k, character in enumerate(text.upper() if capitals else text):
        letter = shaped(hand, character)
        down = letter.body.down.copy()
        down[0] = k > 0 and character.islower() and rng.random() < hand.join
        body.append(Unit(LETTER, character, _at(letter.body.points, x), down))
        marks += [Unit(MARK, "", _at(mark.points, x), mark.down) for mark in letter.marks]
        x = body[-1].points[:, 0].max() + hand.spacing * (1.6 if capitals or k == 0 else 1.0)
    return body + marks


# ------------------------------------------------------------------ scribbles and flourishes


def _wave(units: Sequence[Unit], hand: Hand, rng: np.random.Generator) -> list[Unit]:
    """What is left of letters written in haste: up and down, ever flatter.

    Pointed, or round at the feet or at the heads.
    """
    x, parts = right(units), int(rng.integers(1, 4))
    flat, round_end = rng.uniform(0.1, 1.0), rng.integers(-1, 2)
    out = []
    for k in range(parts):
        n = 2 * int(rng.integers(1, 4))
        high = np.arange(n) % 2 == 1
        tall = flat ** (k / parts) * rng.uniform(0.4, 1.3, n) + (rng.random(n) < 0.08) * 1.2
        points = np.stack([np.cumsum(rng.uniform(0.2, 0.8, n)), rng.normal(0, 0.15, n)], axis=1)
        points[high, 1] = tall[high]
        if round_end >= 0:
            points = np.repeat(points, np.where(high == (round_end == 1), 2, 1), axis=0)
            twice = np.append(np.diff(points[:, 0]) == 0, False)
            points[twice, 0] -= rng.uniform(0.15, 0.3)
        out.append(_unit(SCRIBBLE, _at(points * [hand.width, 1], x), True))
        x += points[-1, 0] * hand.width
    return out


def _trail(units: Sequence[Unit], rng: np.random.Generator) -> list[Unit]:
    """A stroke that leaves the last letter to the right, and may come back."""
    body = [unit for unit in units if unit.kind != MARK]
    x, y = body[-1].points[-1]
    long = rng.uniform(1.5, 5)
    points = [(x + 0.4 * long, y + rng.normal(0, 0.5)), (x + long, y + rng.normal(0, 0.7))]
    if rng.random() < 0.25:
        points.append((x - rng.uniform(0, 2), y - rng.uniform(0.5, 1.2)))
    return [_unit(FLOURISH, np.array(points), units[-1].kind != MARK)]


def _underline(units: Sequence[Unit], rng: np.random.Generator) -> list[Unit]:
    """One line below, or two, or one and dots."""
    span = right(units)
    low = min(0.0, *(float(unit.points[:, 1].min()) for unit in units))
    y = max(low, -1.2) - rng.uniform(0.0, 0.7)
    left, end = rng.uniform(-0.1, 0.4) * span, rng.uniform(0.6, 1.1) * span
    bow = rng.normal(0, 0.2)
    line = np.array([(left, y), ((left + end) / 2, y + bow), (end, y + rng.normal(0.2, 0.4))])
    out = [_unit(FLOURISH, line, False)]
    kind = rng.random()
    if kind < 0.25:
        out.append(
            _unit(FLOURISH, (line - line[0]) * rng.uniform(0.3, 0.8) + [left + 0.8, y - 0.6])
        )
    for k in range(int(rng.integers(1, 3)) if kind > 0.75 else 0):
        dot = np.array([(0, 0), (rng.uniform(0.05, 0.4), 0)])
        out.append(_unit(MARK, _at(dot, (left + end) / 2 + 0.7 * k, y - 0.6)))
    return out


def _swoop(units: Sequence[Unit], rng: np.random.Generator) -> list[Unit]:
    """From the last letter back below the name, and to the right again."""
    span = right(units)
    y = -rng.uniform(0.8, 1.8)
    points = [
        (span + 0.5, rng.uniform(-0.3, 0.4)),
        (span * 0.6, y),
        (span * rng.uniform(0, 0.4), y),
    ]
    if rng.random() < 0.6:
        points += [(span * 0.2, y - 0.6), (span * rng.uniform(0.7, 1.2), y + rng.normal(-0.2, 0.4))]
    return [_unit(FLOURISH, np.array(points), units[-1].kind != MARK)]


def _around(units: Sequence[Unit], rng: np.random.Generator) -> list[Unit]:
    """A loop around part of the name."""
    span = right(units)
    middle, wide = span * rng.uniform(0.3, 0.7), span * rng.uniform(0.3, 0.6) + 0.5
    angle = rng.uniform(0, 2 * np.pi) + np.linspace(0, rng.uniform(4.5, 7.5), 6)
    tall = rng.uniform(1.0, 1.9)
    loop = np.stack([middle + wide * np.cos(angle), 0.6 + tall * np.sin(angle)], axis=1)
    return [_unit(FLOURISH, loop, units[-1].kind != MARK and rng.random() < 0.4)]


def _nothing(units: Sequence[Unit], rng: np.random.Generator) -> list[Unit]:
    return []


_FLOURISHES = (_nothing, _trail, _underline, _swoop, _around)
_OFTEN = (0.5, 0.2, 0.16, 0.09, 0.05)


# ------------------------------------------------------------------ units put together


def _unit(kind: str, points: Floats, joined: bool = False) -> Unit:
    down = np.ones(len(points), dtype=bool)
    down[0] = joined
    return Unit(kind, "", points, down)


def _at(points: Floats, x: float, y: float = 0.0) -> Floats:
    return points + np.array([x, y])


def _dotted(units: list[Unit], rng: np.random.Generator) -> list[Unit]:
    """With a full stop, or without."""
    if rng.random() < 0.4:
        return units
    stop = np.array([(0.3, 0.0), (0.36, 0.04)])
    return [*units, _unit(MARK, _at(stop, right(units)))]


def after(
    units: list[Unit], more: list[Unit], rng: np.random.Generator, gap: float | None = None
) -> list[Unit]:
    """The units, and then more units, a gap to the right."""
    gap = float(rng.uniform(0.3, 1.5)) if gap is None else gap
    return units + moved(more, right(units) + gap, 0.0)


def moved(units: Sequence[Unit], x: float, y: float) -> list[Unit]:
    """The units at another place."""
    return [unit._replace(points=_at(unit.points, x, y)) for unit in units]


def right(units: Sequence[Unit]) -> float:
    """Where the units end."""
    return max(float(unit.points[:, 0].max()) for unit in units)
