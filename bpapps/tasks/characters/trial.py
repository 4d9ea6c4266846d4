"""How well whole lines are read: rendered ones, in the fonts held out for testing."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpapps import experiments
from bpapps.evaluation import LineScores
from bpapps.tasks.characters import render, texts
from bpapps.tasks.characters.lines import read_line
from bpapps.tasks.characters.score import edit_distance


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
    rng = np.random.default_rng(seed)
    _, fonts = render.split_families(render.fonts())
    written, pictures = [], []
    for place in render.pick_fonts(fonts, count, rng):
        written.append(texts.words(rng))
        pictures.append(render.line(written[-1], fonts[place], rng).picture)
    return experiments.line_scores(
        lambda picture: read_line(picture, reader).text,
        edit_distance,
        written,
        pictures,
        corruptions=experiments.LINE_CORRUPTIONS if noise else (),
        n_spoilt=max(1, count // 4),
        seed=seed,
        progress=progress,
    )
