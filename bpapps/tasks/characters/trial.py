"""How well whole lines are read: rendered ones, in the fonts held out for testing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator

from bpapps import experiments
from bpapps.evaluation import LineScores
from bpapps.tasks.characters import render, texts
from bpapps.tasks.characters.lines import read_line
from bpapps.tasks.characters.score import edit_distance


class Sample(NamedTuple):
    """A line: what it says, the family it is set in, and its picture."""

    text: str
    family: str
    picture: np.ndarray


def samples(count: int, seed: int, text: Callable[[Generator], str] = texts.words) -> list[Sample]:
    """Lines in the fonts held out for testing, each family as often as any other."""
    rng = np.random.default_rng(seed)
    _, tested = render.split_families(render.fonts())
    fonts = render.for_lines(tested)
    drawn = []
    for place in render.pick_fonts(fonts, count, rng):
        written = text(rng)
        picture = render.line(written, fonts[place], rng).picture
        drawn.append(Sample(written, fonts[place].family, picture))
    return drawn


def line_scores(
    reader: Any,
    count: int,
    *,
    seed: int = 0,
    noise: bool = True,
    progress: experiments.Progress | None = None,
) -> LineScores:
    """Read so many lines of words, numbers and codes; with noise a quarter of them also spoilt.

    The lines are those of ``scripts/read_lines.py`` with the same seed.
    """
    drawn = samples(count, seed)
    return experiments.line_scores(
        lambda picture: read_line(picture, reader).text,
        edit_distance,
        [sample.text for sample in drawn],
        [sample.picture for sample in drawn],
        corruptions=experiments.LINE_CORRUPTIONS if noise else (),
        n_spoilt=max(1, count // 4),
        seed=seed,
        progress=progress,
    )
