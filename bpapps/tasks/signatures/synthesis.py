"""Signatures of synthetic writers, genuine and forged: the data that comes with the task."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpapps.tasks.signatures.forgers import FORGERS, Forger, draw_forger, forge
from bpapps.tasks.signatures.hands import Motor, Trace
from bpapps.tasks.signatures.ink import Picture, draw_pen, draw_scan, render
from bpapps.tasks.signatures.writers import Writer, draw_writer, sign

_WRITER, _FORGER, _GENUINE, _FORGED = range(4)


class Samples(NamedTuple):
    """Pictures of n signatures.

    ``images`` are n arrays (h, w) of gray levels, white paper being 255; ``writers``, (n,), says
    whose name each is, as ``"s0001"``; ``genuine``, (n,), whether that writer wrote it.
    """

    images: list[Picture]
    writers: NDArray[np.str_]
    genuine: NDArray[np.bool_]


def signatures(
    n_writers: int, n_genuine: int, n_forged: int, seed: int = 0, first: int = 0
) -> Samples:
    """Signatures by so many writers, and skilled forgeries of their signatures.

    A picture depends on the seed, its writer's number, whether it is genuine, and its number among
    the writer's genuine or forged ones, and on nothing else. Lots can therefore be made in parts,
    ``first`` being the number of the first writer of a part.

    Args:
        n_writers: at least 1.
        n_genuine, n_forged: signatures of each writer, at least 0, and one of the two above 0.
        seed: at least 0.
        first: the number of the first writer, at least 0.

    Raises:
        ValueError: a count or number out of range, or not an integer.
    """
    _check(n_writers, n_genuine, n_forged, seed, first)
    numbers = range(first, first + n_writers)
    images = [p for k in numbers for p in _pictures(seed, k, n_genuine, n_forged)]
    names = np.array([f"s{k:04d}" for k in numbers])
    genuine = np.arange(n_genuine + n_forged) < n_genuine
    return Samples(images, np.repeat(names, len(genuine)), np.tile(genuine, n_writers))


def writer_of(seed: int, number: int) -> Writer:
    """The writer of this number."""
    return draw_writer(_rng(seed, number, _WRITER))


def forger_of(writer: Writer, seed: int, number: int, k: int) -> Forger:
    """Who forged the k-th forgery of a writer: a few people take turns."""
    return draw_forger(writer, _rng(seed, number, _FORGER, k % FORGERS))


def _pictures(seed: int, number: int, n_genuine: int, n_forged: int) -> list[Picture]:
    """The genuine and then the forged signatures of a writer."""
    writer = writer_of(seed, number)
    out = []
    for k in range(n_genuine):
        rng = _rng(seed, number, _GENUINE, k)
        out.append(_picture(sign(writer, rng), writer.hand.motor, rng))
    forgers = [forger_of(writer, seed, number, k) for k in range(min(n_forged, FORGERS))]
    for k in range(n_forged):
        rng = _rng(seed, number, _FORGED, k)
        forger = forgers[k % FORGERS]
        out.append(_picture(forge(writer, forger, rng), forger.motor, rng))
    return out


def _picture(trace: Trace, motor: Motor, rng: np.random.Generator) -> Picture:
    """What a movement leaves on paper; the pen and the scan are anyone's."""
    return render(trace, motor.pressure, draw_pen(rng), draw_scan(rng), rng)


def _rng(*key: int) -> np.random.Generator:
    return np.random.default_rng(key)


def _check(n_writers: int, n_genuine: int, n_forged: int, seed: int, first: int) -> None:
    given = {
        "n_writers": n_writers, "n_genuine": n_genuine, "n_forged": n_forged,
        "seed": seed, "first": first,
    }  # fmt: skip
    for name, value in given.items():
        least = 1 if name == "n_writers" else 0
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name} is {value!r}; give an integer of at least {least}")
    if n_genuine + n_forged == 0:
        raise ValueError("n_genuine and n_forged are both 0; one must be above 0")
