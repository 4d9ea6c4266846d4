"""A picture of a bar, which the tests of pictures share."""

import numpy as np

INK, PAPER = 30, 230


def drawing(h=12, w=16):
    """A gray picture with a dark bar, lying in the upper left."""
    picture = np.full((h, w), PAPER, dtype=np.uint8)
    picture[2:4, 1:9] = INK
    return picture


GRAY = drawing() / 255


def png(image, name="p.png"):
    def write(folder):
        image.save(folder / name)
        return folder / name

    return write
