"""What was read, drawn on the picture: a box around each character, and its letter above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bpapps.pictures.arrays import as_pictures
from bpapps.tasks.characters.lines import Line

if TYPE_CHECKING:
    from PIL.Image import Image

SURE, UNSURE = (0, 150, 80), (225, 50, 50)
"""Colours of boxes: for characters that are at least half certain, and for others. Both can be told
from white paper and from black."""
_FINE = 600  # pixels of a picture's longer side for each pixel of a box's outline


def annotate(picture: Any, line: Line) -> Image:
    """The picture in gray with boxes and letters, a strip of white above it for the letters.

    picture: what :func:`bpapps.tasks.characters.lines.read_line` takes.
    """
    from PIL import Image, ImageDraw, ImageFont

    gray = as_pictures([picture])[0]
    tall = [c.box[3] - c.box[1] for c in line.characters]
    size = max(10, round(0.6 * max(tall, default=10)))
    strip, line_width = 2 * size, max(1, round(max(gray.shape) / _FINE))
    canvas = Image.new("RGB", (gray.shape[1], gray.shape[0] + strip), "white")
    canvas.paste(Image.fromarray(np.rint(255 * gray).astype(np.uint8)), (0, strip))
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size)
    for character in line.characters:
        left, top, right, bottom = character.box
        colour = SURE if character.confidence >= 0.5 else UNSURE
        out, inwards = line_width, line_width - 1
        around = (left - out, top - out + strip, right + inwards, bottom + inwards + strip)
        draw.rectangle(around, outline=colour, width=line_width)
        draw.text(((left + right) / 2, strip / 2), character.text, colour, font, anchor="mm")
    return canvas
