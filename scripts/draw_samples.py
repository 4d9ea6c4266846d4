"""Draw the pictures in ``samples``, one for each task, that a newcomer tries first.

    python scripts/draw_samples.py [FOLDER]

bpapps draws all of them itself, so that they are nobody's data: strokes of a pen for a digit and
for signatures, technical lettering for a line of characters. The same pictures come every time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from bpapps.tasks.characters.lettering import Lettering
from bpapps.tasks.signatures.hands import Motor, move
from bpapps.tasks.signatures.ink import Pen, Scan, render
from bpapps.tasks.signatures.synthesis import signatures

Gray = NDArray[np.uint8]

FOLDER = Path("samples")
SEVEN = "10,25 45,20 90,22 70,65 48,130 | 35,78 60,75 88,74"
"""Where a pen aims, across and down in pixels; it is lifted at the bar."""
TEXT = "ERRORS TEACH"
WRITER = 2012
"""The seed of a writer whom the shipped model was not trained on."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=FOLDER)
def main(folder: Path) -> None:
    """Draw the sample pictures into FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in samples():
        levels = np.rint(picture / 15) * 15  # fewer gray levels, so that the files are small
        Image.fromarray(levels.astype(np.uint8)).save(folder / name, optimize=True)


def samples() -> Iterator[tuple[str, Gray]]:
    """The name of each file, and its picture (h, w) of gray levels, white being 255."""
    yield "digit.png", digit()
    yield "line.png", line()
    names = ("reference-1", "reference-2", "reference-3", "genuine", "forged")
    for name, picture in zip(names, signatures(1, 4, 1, seed=WRITER).images, strict=True):
        yield f"signature-{name}.png", picture


def digit() -> Gray:
    """A seven, as a felt pen writes it."""
    rng = np.random.default_rng(7)
    parts = [[tuple(map(float, p.split(","))) for p in part.split()] for part in SEVEN.split("|")]
    points = np.array([point for part in parts for point in part])
    down = np.array([i > 0 for part in parts for i in range(len(part))])
    trace = move(points, down, Motor(tremor=0.3), rng)
    scan = Scan(blur=0.8, margin=(24, 24, 36, 36))
    return render(trace, 1.0, Pen(width=6.0, gray=0.15), scan, rng)


def line() -> Gray:
    """A line of technical lettering, a little aslant, on paper that the light falls on unevenly."""
    rng = np.random.default_rng(0)
    style = Lettering(width=0.62, stroke=0.15, roundness=0.8, wobble=0.01)
    space, gap = np.zeros((40, 22)), np.zeros((40, 8))
    glyphs = [space if sign == " " else style.drawn(sign, 40) / 255 for sign in TEXT]
    ink = np.hstack([part for glyph in glyphs for part in (glyph, gap)])
    ink = ndimage.rotate(np.pad(ink, 28), 1.2, reshape=False, order=1)
    light = np.linspace(235, 205, ink.shape[1])
    gray = light * (1 - 0.8 * ndimage.gaussian_filter(ink, 0.7)) + rng.normal(0, 2.5, ink.shape)
    return np.clip(gray, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
