"""Characters and lines, as they are rendered in fonts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tasks.characters.fonts_here import CLEAN, some

from bpapps.pictures.shapes import bounding_boxes
from bpapps.tasks.characters import render
from bpapps.tasks.characters.classes import CHARACTERS
from bpapps.tasks.characters.fonts import Font
from bpapps.tasks.characters.glyphs import stroke_width, thicken
from bpapps.tasks.characters.render import LIGHT, Look


def test_pictures_of_characters(own: list[Font]) -> None:
    pictures, labels = some(own, 620)
    assert pictures.shape == (620, 48, 36)
    assert pictures.dtype == np.uint8
    assert set(np.unique(labels, return_counts=True)[1]) == {10}
    assert pictures.std(axis=(1, 2)).min() > 4
    dark = np.median(pictures.reshape(620, -1), axis=1) < 100
    assert 0.1 < dark.mean() < 0.45  # light on dark


def test_same_seed_same_bits(own: list[Font]) -> None:
    pictures, labels = some(own, 300)
    again, again_labels = some(own, 300)
    assert pictures.tobytes() == again.tobytes()
    assert labels.tolist() == again_labels.tolist()
    assert some(own, 300, seed=1)[0].tobytes() != pictures.tobytes()


@pytest.mark.parametrize("size", [(48, 36), (32, 32), (64, 40)])
def test_size_and_place_in_the_line_are_kept(own: list[Font], size: tuple[int, int]) -> None:
    """Clean pictures: capitals stand on the baseline, an o is lower than an O, a p hangs."""
    (sans,) = (font for font in own if font.path.name == "DejaVuSans.ttf")
    pictures, labels = some([sans], 62, size=size, look=CLEAN)
    ink = {str(label): pictures[i] < 128 for i, label in enumerate(labels)}
    rows = {label: np.flatnonzero(mask.any(axis=1)) for label, mask in ink.items()}
    columns = {label: np.flatnonzero(mask.any(axis=0)) for label, mask in ink.items()}
    height, width = size
    capital = rows["H"][-1] - rows["H"][0] + 1
    assert capital == pytest.approx(render.CAPITAL * height, abs=1)
    assert rows["H"][-1] + 1 == pytest.approx(render.BASELINE * height, abs=1)
    assert len(rows["o"]) < 0.85 * len(rows["O"])
    assert rows["p"][-1] > rows["H"][-1] + 2
    for label in CHARACTERS:
        assert rows[label][0] > 0
        assert rows[label][-1] < height - 1
        assert columns[label][0] + columns[label][-1] + 1 == pytest.approx(width, abs=5)
        assert pictures[labels == label].max() > 240


def test_families_come_equally_often_however_many_fonts_they_have() -> None:
    faces = [Font("many", str(i), Path("x")) for i in range(9)] + [Font("one", "", Path("x"))]
    which = render.pick_fonts(faces, 4000, np.random.default_rng(0))
    assert np.mean(which == 9) == pytest.approx(0.5, abs=0.04)
    assert set(which.tolist()) == set(range(10))


def test_labels_of_ones_own(own: list[Font]) -> None:
    labels = some(own, 30, labels="ABC")[1]
    assert np.unique(labels, return_counts=True)[1].tolist() == [10, 10, 10]


def test_strokes_are_widened_and_narrowed() -> None:
    picture = np.zeros((21, 21), np.uint8)
    picture[8:13, 8:13] = 255
    sums = [int((thicken(picture, r) > 0).sum()) for r in (-2, -1, 0, 1, 2, 3)]
    assert sums[2] == 25
    assert sums == sorted(sums)
    assert len(set(sums)) == len(sums)


def test_curves_are_pushed_to_the_sides(own: list[Font]) -> None:
    """So that an O fills more of its box, which stays as it is."""
    filled, sides = [], []
    for square in (0.0, 3.0):
        look = replace(CLEAN, square=square)
        pictures, _ = render.characters(
            own[:1], 200, np.random.default_rng(0), labels="O", look=look
        )
        boxes = bounding_boxes(pictures < 128)
        sides.append(boxes[:, 2:] - boxes[:, :2])
        outlines = [
            np.maximum.accumulate(one[t:b, le:r] < 128, axis=1)
            & np.maximum.accumulate(one[t:b, le:r][:, ::-1] < 128, axis=1)[:, ::-1]
            for one, (t, le, b, r) in zip(pictures, boxes, strict=True)
        ]
        filled.append(np.array([outline.mean() for outline in outlines]))
    assert np.abs(sides[0] - sides[1]).max() <= 1
    assert filled[0].std() < 0.01
    assert filled[1].max() > filled[0].mean() + 0.1  # as far as each picture's degree goes
    assert filled[1].min() < filled[0].mean() + 0.02


def test_bold_strokes_are_broader(own: list[Font]) -> None:
    widths = {font.path.name: stroke_width(font, 48) for font in own}
    assert widths["DejaVuSans-Bold.ttf"] > 1.3 * widths["DejaVuSans.ttf"]


def line(
    font: Font, text: str = "Hello O0 gjpqy WA1l", seed: int = 0, **options
) -> render.DrawnLine:
    return render.line(text, font, np.random.default_rng(seed), **options)


@pytest.mark.parametrize("height", [24, 48, 64])
def test_a_line(own: list[Font], height: int) -> None:
    for seed, font in enumerate(own):
        picture, boxes = line(font, seed=seed, height=height)
        assert picture.dtype == np.float32
        assert picture.shape[0] == height
        assert picture.min() >= 0
        assert picture.max() <= 1
        assert boxes.shape == (16, 4)
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        assert (boxes >= 0).all()
        assert (boxes[:, 2:] <= picture.shape).all()
        assert (np.diff(boxes[:, 1] + boxes[:, 3]) > 0).all()
        assert len(np.unique(picture[:, 0])) > 1


@pytest.mark.parametrize("name", ["cmss10.ttf", "DejaVuSans.ttf"])
def test_a_line_whose_strokes_are_all_gray(own: list[Font], name: str) -> None:
    """Strokes of less than half a pixel have no pixel that is more ink than paper."""
    (font,) = (font for font in own if font.path.name == name)
    for seed in range(10):
        boxes = line(font, "llllll", seed=seed, height=6).boxes
        assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_boxes_are_where_the_ink_is(own: list[Font]) -> None:
    for seed, font in enumerate(own):
        picture, boxes = line(font, seed=seed, height=64)
        away = np.abs(picture - np.median(picture))
        inside = np.zeros(picture.shape, dtype=bool)
        for top, left, bottom, right in boxes:
            inside[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1] = True
            assert away[top:bottom, left:right].max() > 0.2
        assert away[inside].mean() > 5 * away[~inside].mean()


@pytest.mark.slow
def test_thin_strokes_do_not_fade_away(own: list[Font], monkeypatch: pytest.MonkeyPatch) -> None:
    """A line in a thin face, at a height at which its strokes are less than a pixel."""
    (thin,) = (font for font in own if font.path.name == "cmr10.ttf")

    def least() -> float:
        seen = [line(thin, seed=seed, height=24) for seed in range(30)]
        inked = [
            np.quantile([np.ptp(p[t:b, left:r]) for t, left, b, r in boxes], 0.1)
            for p, boxes in seen
        ]
        return float(min(inked))

    faint = least()
    monkeypatch.setattr(render, "_THINNEST", 0.0)
    assert faint > 0.3
    assert faint > least() + 0.05


def test_hairlines_stay_where_strokes_become_thinner() -> None:
    ink = np.zeros((30, 40), dtype=np.uint8)
    ink[5:25, 5:13] = ink[14, 5:35] = 255  # a stem, and a hairline
    thin = render._weighted(ink, -1)
    assert thin[14, 20] == 255
    assert thin[8, 5] == thin[8, 12] == 0
    assert thin[8, 9] == 255
    assert render._weighted(ink, 1)[13, 20] == 255


def test_the_same_line_for_the_same_seed(own: list[Font]) -> None:
    assert line(own[0]).picture.tobytes() == line(own[0]).picture.tobytes()
    assert line(own[0], seed=1).picture.shape != line(own[0]).picture.shape


@pytest.mark.parametrize("text", ["", "   ", "no!", "naïve"])
def test_text_that_cannot_be_set(own: list[Font], text: str) -> None:
    with pytest.raises(ValueError, match="give some of 0-9, A-Z, a-z, and spaces between"):
        line(own[0], text)


def test_a_good_scan_is_milder() -> None:
    usual = Look()
    assert all(getattr(LIGHT, name) <= getattr(usual, name) for name in vars(usual)
               if name != "resolution")  # fmt: skip
