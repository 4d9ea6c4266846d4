"""Technical lettering: every character in every style is whole, and has the holes it should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from bpapps.tasks.characters import render
from bpapps.tasks.characters.glyphs import stroke_width
from bpapps.tasks.characters.lettering import LETTERED, Lettering, letterings

HOLES = {**dict.fromkeys("0469ADOPQR", 1), **dict.fromkeys("8B", 2)}
STYLES = {
    "usual": Lettering(),
    "square": Lettering(roundness=0.0),
    "round": Lettering(roundness=1.0),
    "narrow": Lettering(width=0.45, stroke=0.1),
    "broad and heavy": Lettering(width=0.9, stroke=0.2),
    "as on plates": Lettering(stem=0.15, splay=0.05),
    **{
        f"drawn at random {i}": replace(style, stroke=min(style.stroke, style.width / 4))
        for i, style in enumerate(letterings(8, np.random.default_rng(0)))
    },
}


@pytest.mark.parametrize("style", STYLES)
def test_each_character_is_whole(style: str) -> None:
    for character in LETTERED:
        picture = STYLES[style].drawn(character, 96)
        assert picture.dtype == np.uint8
        assert len(picture) == 96
        ink = picture > 127
        _, pieces = ndimage.label(ink, np.ones((3, 3)))
        assert pieces == 1, character
        for edge in (ink[:2], ink[-2:], ink[:, :2], ink[:, -2:]):
            assert edge.any(), character
        _, papers = ndimage.label(np.pad(~ink, 1, constant_values=True))
        assert papers - 1 == HOLES.get(character, 0), character


def test_there_are_digits_and_capitals() -> None:
    assert "".join(LETTERED) == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert np.array_equal(Lettering().drawn("k", 48), Lettering().drawn("K", 48))
    with pytest.raises(ValueError, match="'é' cannot be lettered; give one of 0123"):
        Lettering().drawn("é", 48)


def test_what_style_changes() -> None:
    def ink(character: str = "O", **style: float) -> int:
        return int((Lettering(**style).drawn(character, 96) > 127).sum())

    assert ink(stroke=0.2) > 1.3 * ink(stroke=0.12)
    assert ink(width=0.8) > 1.1 * ink(width=0.5)
    assert ink(roundness=1.0) < 0.97 * ink(roundness=0.2)
    stems = [np.argmax(Lettering(stem=stem).drawn("D", 96)[48] > 127) for stem in (0.0, 0.2)]
    assert stems[1] > stems[0] + 4
    feet = [
        np.flatnonzero(Lettering(splay=splay).drawn("W", 96)[-1] > 127)[0] for splay in (0.0, 0.25)
    ]
    assert feet[1] > feet[0] + 4
    middle = [
        np.flatnonzero(Lettering(depth=depth).drawn("M", 96)[:, 28] > 127)[-1]
        for depth in (0.4, 0.9)
    ]
    assert middle[1] > middle[0] + 20


def test_styles_are_drawn_from_a_seed() -> None:
    first, again = (letterings(20, np.random.default_rng(3)) for _ in range(2))
    assert first == again
    assert len({style.drawn("S", 48).tobytes() for style in first}) == 20


def test_pictures_of_lettering_are_rendered_like_those_of_fonts() -> None:
    style = Lettering()
    pictures, labels = render.characters([style], 72, np.random.default_rng(0), LETTERED)
    assert pictures.shape == (72, 48, 36)
    assert sorted(set(labels.tolist())) == sorted(LETTERED)
    assert stroke_width(style, 96) == pytest.approx(0.16 * 96, rel=0.25)
