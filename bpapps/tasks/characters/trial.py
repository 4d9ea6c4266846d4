"""Lines to measure a reader with: rendered ones, in the fonts held out for testing."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from bpapps.tasks.characters import render, texts


class Sample(NamedTuple):
    """A line: what it says, the family it is set in, and its picture."""

    text: str
    family: str
    picture: np.ndarray


@lru_cache(maxsize=1)  # measured as they are, then under corruptions
def samples(count: int, seed: int, text: Callable[[Generator], str] = texts.words) -> list[Sample]:
    """Lines in the fonts held out for testing, each family as often as any other.

    The lines of ``scripts/read_lines.py`` with the same seed. Do not change what is returned.
    """
    rng = np.random.default_rng(seed)
    _, tested = render.split_families(render.fonts())
    fonts = render.for_lines(tested)
    drawn = []
    for place in render.pick_fonts(fonts, count, rng):
        written = text(rng)
        picture = render.line(written, fonts[place], rng).picture
        drawn.append(Sample(written, fonts[place].family, picture))
    return drawn
