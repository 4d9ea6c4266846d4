"""Technical lettering: capitals and digits as a pen of one breadth draws them.

Number plates, stamping dies and drawings are lettered so, and hardly any font looks like such
lettering. Each character is a few paths in a unit square. A :class:`Lettering` makes glyphs of the
paths, in a style of its own: how broad they are, how round their corners, how heavy the pen.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Point = NDArray[np.float64]
"""Across and down."""


class Corner(NamedTuple):
    """A corner of a path, and whether the pen rounds it."""

    at: Point
    rounded: bool


Path = list[Corner]

_PATHS = {
    "0": "0,0r 1,0r 1,1r 0,1r 0,0r",
    "1": ".5,0 .5,1",
    "2": "0,.22 0,0r 1,0r 1,.5r 0,1 1,1",
    "3": "0,.2 0,0r 1,0r 1,.48r .35,.48; .35,.48 1,.48r 1,1r 0,1r 0,.8",
    "4": ".7,1 .7,0 0,.7 1,.7",
    "5": "1,0 0,0 0,.42 1,.42r 1,1r 0,1r 0,.8",
    "6": "1,.18 1,0r 0,0r 0,1r 1,1r 1,.42r 0,.42",
    "7": "0,0 1,0 .35,1",
    "8": "0,0r 1,0r 1,.48r 0,.48r 0,0r; 0,.48r 1,.48r 1,1r 0,1r 0,.48r",
    "9": "0,.82 0,1r 1,1r 1,0r 0,0r 0,.58r 1,.58",
    "A": "0,1 .5,0 1,1; .2,.68 .8,.68",
    "B": "0,0 1,0r 1,.48r 0,.48; 0,.48 1,.48r 1,1r 0,1; s,0 s,1",
    "C": "1,.24 1,0r 0,0r 0,1r 1,1r 1,.76",
    "D": "0,0 1,0r 1,1r 0,1; s,0 s,1",
    "E": "1,0 0,0 0,1 1,1; 0,.48 .85,.48",
    "F": "1,0 0,0 0,1; 0,.5 .85,.5",
    "G": "1,.22 1,0r 0,0r 0,1r 1,1r 1,.55 .5,.55",
    "H": "0,0 0,1; 1,0 1,1; 0,.5 1,.5",
    "I": ".5,0 .5,1",
    "J": "1,0 1,1r 0,1r 0,.75",
    "K": "0,0 0,1; 1,0 0,.62; .3,.42 1,1",
    "L": "0,0 0,1 1,1",
    "M": "0,1 0,0 .5,m 1,0 1,1",
    "N": "0,1 0,0 1,1 1,0",
    "O": "0,0r 1,0r 1,1r 0,1r 0,0r",
    "P": "0,1 0,0 1,0r 1,.53r 0,.53",
    "Q": "0,0r 1,0r 1,1r 0,1r 0,0r; .6,.7 1,1",
    "R": "0,1 0,0 1,0r 1,.53r 0,.53; .45,.53 1,1",
    "S": "1,.22 1,0r 0,0r 0,.48r 1,.48r 1,1r 0,1r 0,.78",
    "T": "0,0 1,0; .5,0 .5,1",
    "U": "0,0 0,1r 1,1r 1,0",
    "V": "0,0 .5,1 1,0",
    "W": "0,0 w,1 .5,u v,1 1,0",
    "X": "0,0 1,1; 1,0 0,1",
    "Y": "0,0 .5,.5 1,0; .5,.5 .5,1",
    "Z": "0,0 1,0 0,1 1,1",
}
"""Points across and down, of the middle of the pen; r is a corner to round.

s is where the stem of B and D stands, w and v where W comes down, m and u how far M and W come to
the middle: that is a matter of style.
"""
LETTERED = tuple(_PATHS)
"""The characters that there are; small letters are drawn as their capitals."""
WITH_BENDS = tuple(character for character, paths in _PATHS.items() if "r" in paths)
"""Characters with a bend: hardly any font draws a bend as technical lettering does."""
_FINE = 4  # pixels drawn for one wanted
_BEND = 0.5523
"""How far towards the corner a cubic curve is pulled that is all but a quarter of a circle."""
_ALONG = np.linspace(0, 1, 9)[:, None]
_CUBIC = np.array([1, 3, 3, 1]) * (1 - _ALONG) ** [3, 2, 1, 0] * _ALONG ** [0, 1, 2, 3]


@dataclass(frozen=True)
class Lettering:
    """A style of technical lettering; serves where a :class:`~.fonts.Font` does.

    Args:
        width: of a character, in heights.
        stroke: breadth of the pen, in heights.
        roundness: radius of the corners, 1 where curves are half circles.
        stem: how far in the stem of B and D stands, in widths.
        splay: how far in W comes down, in widths.
        depth: how far M comes down in the middle, and W up, in heights.
        wobble: deviation by which each point lies elsewhere, in widths and heights.
        family: all styles are of one design.
    """

    width: float = 0.6
    stroke: float = 0.16
    roundness: float = 0.7
    stem: float = 0.0
    splay: float = 0.2
    depth: float = 0.6
    wobble: float = 0.0
    family: str = "technical lettering"

    def drawn(self, character: str, capital: int) -> NDArray[np.uint8]:
        """The picture of a character, ``capital`` pixels high and as wide as it is, ink 255 on 0.

        Raises:
            ValueError: a character that is no digit and no letter.
        """
        from PIL import Image, ImageDraw

        paths = self._paths(character)
        high, pen = _FINE * capital, self.stroke * _FINE * capital
        upright = all(corner.at[0] == paths[0][0].at[0] for path in paths for corner in path)
        wide = _FINE * (int(np.ceil(pen / _FINE)) if upright else round(self.width * capital))
        canvas = Image.new("L", (wide, high))
        pencil = ImageDraw.Draw(canvas)
        room = np.maximum(np.array([wide, high]) - pen, 0)
        for path in paths:
            scaled = [Corner(pen / 2 + room * corner.at, corner.rounded) for corner in path]
            line = _line(scaled, self.roundness * room[0] / 2, pen, room)
            pencil.line([tuple(point) for point in line], 255, max(1, round(pen)))
            for x, y in line[1:-1]:  # or else bends would have cracks
                pencil.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), 255)
        return np.asarray(canvas.resize((wide // _FINE, capital), Image.Resampling.BOX))

    def _paths(self, character: str) -> list[Path]:
        """The paths of a character in this style, in the unit square."""
        capital = character.upper()
        if capital not in _PATHS:
            raise ValueError(f"{character!r} cannot be lettered; give one of {''.join(LETTERED)}")
        rng = np.random.default_rng(zlib.crc32(f"{self}{capital}".encode()))
        # What lies on one level stays level, and what is at the edge stays there.
        across = {"0": 0.0, "1": 1.0, "s": self.stem, "w": self.splay, "v": 1 - self.splay}
        down = {"0": 0.0, "1": 1.0, "m": self.depth, "u": 1 - self.depth}

        def placed(corner: str) -> Corner:
            x, y = corner.removesuffix("r").split(",")
            for token, known in ((x, across), (y, down)):
                if token not in known:
                    known[token] = float(token) + rng.normal(0, self.wobble)
            return Corner(np.array([across[x], down[y]]), corner.endswith("r"))

        return [[placed(c) for c in text.split()] for text in _PATHS[capital].split(";")]


def letterings(n: int, rng: np.random.Generator) -> list[Lettering]:
    """So many styles, from narrow to broad, square to round, light to heavy."""
    widths = rng.uniform(0.42, 0.78, n)
    return [
        Lettering(
            width=width,
            stroke=rng.uniform(0.1, min(0.22, 0.34 * width)),  # or loops would close
            roundness=rng.uniform(0.25, 1.0),
            stem=max(0.0, rng.uniform(-0.2, 0.2)),
            splay=rng.uniform(0.0, 0.18),
            depth=rng.uniform(0.45, 0.8),
            wobble=rng.uniform(0.0, 0.03),
        )
        for width in widths.tolist()
    ]


def _line(path: Path, radius: float, pen: float, room: Point) -> list[Point]:
    """Points along a path, its corners rounded; an end at the edge is drawn out beyond it.

    So it is cut level there. All in pixels; room: how far the pen's middle can go.
    """
    first, second, last = path[0], path[1], path[-1]
    if np.array_equal(first.at, last.at):  # closed: begun in the middle of a side
        begun = Corner((first.at + second.at) / 2, rounded=False)
        return _rounded([begun, *path[1:-1], first, begun], radius)
    line = _rounded(path, radius)
    for end, before in ((0, 1), (-1, -2)):
        along = _direction(line[before], line[end])
        beyond = line[end] + along - pen / 2
        if np.any((beyond < -0.05) | (beyond > room + 0.05)):
            line[end] = line[end] + 2 * pen * along
    return line


def _rounded(path: Path, radius: float) -> list[Point]:
    """Points along a path, its rounded corners quarters of circles as far as there is room."""
    line = [path[0].at]
    for before, corner, after in zip(path, path[1:], path[2:], strict=False):
        if not corner.rounded:
            line.append(corner.at)
            continue
        # Two bends share the side between them.
        free = [
            np.hypot(*(other.at - corner.at)) / (1 + other.rounded) for other in (before, after)
        ]
        start, stop = (
            corner.at + min(radius, *free) * _direction(corner.at, other.at)
            for other in (before, after)
        )
        pulled = [point + _BEND * (corner.at - point) for point in (start, stop)]
        line.extend(_CUBIC @ np.array([start, *pulled, stop]))
    return [*line, path[-1].at]


def _direction(start: Point, stop: Point) -> Point:
    """The unit vector from one point to another; zero where they are the same."""
    way = stop - start
    return way / max(float(np.hypot(*way)), 1e-9)
