"""The fonts that come with matplotlib, and what is rendered from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bpapps.tasks.characters import render
from bpapps.tasks.characters.fonts import Font
from bpapps.tasks.characters.render import Look

CLEAN = Look(*(0 for _ in range(5)), 0, 0, resolution=48, blur=0, noise=0, light=0, texture=0,
             fading=0, inverse=0)  # fmt: skip


def matplotlibs() -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def some(faces: list[Font], n: int = 62, seed: int = 0, **options) -> tuple[np.ndarray, np.ndarray]:
    return render.characters(faces, n, np.random.default_rng(seed), **options)
