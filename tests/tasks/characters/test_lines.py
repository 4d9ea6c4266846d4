"""A line of characters: found, parted, read, with its spaces; and what is no line, refused.

The reader here compares with templates of one font, so that nothing needs to be trained; where
only the parting is tested, lines are blocks and bars.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.special import softmax

from bpapps import models
from bpapps.measures.strings import edit_distance
from bpapps.names import UnknownNameError
from bpapps.tasks.characters import decode, guides, render, texts
from bpapps.tasks.characters.annotate import annotate
from bpapps.tasks.characters.classes import CHARACTERS
from bpapps.tasks.characters.lines import CELL, Line, _alone, read_line
from bpapps.tasks.characters.pieces import cut_up
from bpapps.tasks.characters.strokes import find_strokes

FOLDER = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
SANS = render.Font("dejavu sans", "DejaVu Sans Book", FOLDER / "DejaVuSans.ttf")
BOLD = render.Font("dejavu sans", "DejaVu Sans Bold", FOLDER / "DejaVuSans-Bold.ttf")
ITALIC = render.Font("dejavu sans", "DejaVu Sans Oblique", FOLDER / "DejaVuSans-Oblique.ttf")
STIX = render.Font("stix", "STIXGeneral Bold Italic", FOLDER / "STIXGeneralBolIta.ttf")


class Templates:
    """Knows the characters of one font by how much they overlap."""

    classes_ = np.array(CHARACTERS)

    def __init__(self, font: render.Font):
        none = dict.fromkeys(render.Look.__dataclass_fields__, 0.0)
        look = render.Look(**{**none, "resolution": CELL[0]})
        same = np.zeros(len(CHARACTERS), dtype=int)
        rng = np.random.default_rng(0)
        drawn = render.draw([font], same, self.classes_, rng, CELL, look)
        self.templates = self._unit(drawn / 255)

    @staticmethod
    def _unit(pictures: np.ndarray) -> np.ndarray:
        ink = gaussian_filter(1 - pictures, (0, 1, 1)).reshape(len(pictures), -1)
        ink = ink - ink.mean(axis=1, keepdims=True)
        return ink / np.maximum(np.linalg.norm(ink, axis=1, keepdims=True), 1e-6)

    def predict_proba(self, pictures: np.ndarray) -> np.ndarray:
        if pictures.shape[1:] != CELL:  # a whole picture: it knows only cells
            return np.full((len(pictures), len(self.classes_)), 1 / len(self.classes_))
        return softmax(60 * self._unit(pictures) @ self.templates.T, axis=1)


@cache
def reader(font: render.Font = SANS) -> Templates:
    return Templates(font)


@cache
def rendered(
    text: str, font: render.Font = SANS, height: int = 48, seed: int = 0
) -> render.DrawnLine:
    return render.line(text, font, np.random.default_rng(seed), height)


def read(picture: np.ndarray, font: render.Font = SANS) -> Line:
    return read_line(picture, reader(font))


# ------------------------------------------------------------------ lines that are read

TEXT = "Kate 42 of Max"
TEXTS = ["Hand 42", "quick jump 7", "MAP of B5", "GRAVE 305 sea", "R", "6"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_line_is_read(text: str) -> None:
    line = read(rendered(text).picture)
    assert line.text == text
    assert "".join(c.text for c in line.characters) == text.replace(" ", "")
    confidences = [character.confidence for character in line.characters]
    assert 0 < min(confidences) <= max(confidences) <= 1
    assert line.confidence == pytest.approx(np.mean(confidences))
    assert line.plain()["text"] == text


def dark(p: np.ndarray) -> np.ndarray:
    return p if np.median(p) > 0.5 else 1 - p


def framed(p: np.ndarray) -> np.ndarray:
    return np.pad(np.pad(p, 8, mode="edge"), 2, constant_values=0.1)


LOOKS = {
    "dark on light": dark,
    "light on dark": lambda p: 1 - dark(p),
    "faint": lambda p: 0.6 + 0.15 * dark(p),
    "a lamp at one end": lambda p: dark(p) * np.linspace(0.5, 1, p.shape[1]),
    "noise": lambda p: dark(p) + 0.06 * np.random.default_rng(0).normal(size=p.shape),
    "large": lambda p: np.kron(dark(p), np.ones((3, 3))),
    "much paper": lambda p: np.pad(dark(p), 60, mode="edge"),
    "colour": lambda p: np.stack([dark(p)] * 3, axis=2),
    "a frame": lambda p: np.pad(framed(dark(p)), 6, constant_values=1.0),
    "a frame along the edge": lambda p: framed(dark(p)),
    "a rule below": lambda p: np.vstack([dark(p), np.full((3, p.shape[1]), 0.1), dark(p)[:4]]),
}


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_paper_and_light_do_not_matter(look) -> None:
    assert read(look(rendered(TEXT).picture)).text == TEXT


def test_a_small_line() -> None:
    assert edit_distance(TEXT, read(rendered(TEXT, height=24).picture).text) < 0.2 * len(TEXT)


def test_slanted_print() -> None:
    text = "fable fjord Wave"
    errors = edit_distance(text, read(rendered(text, ITALIC).picture, ITALIC).text)
    assert errors <= 0.1 * len(text)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["WWW", "Z77", "WVX"])
@pytest.mark.parametrize("font", [SANS, BOLD], ids=lambda font: font.style)
def test_diagonals_are_no_slant(text: str, font: render.Font) -> None:
    line = read_line(rendered(text, font).picture, models.find("characters").pipeline)
    assert line.text.upper() == text  # by itself either case may be meant


def test_slanted_characters_side_by_side_are_no_single_one() -> None:
    picture = rendered("bjjc", STIX).picture
    assert read_line(picture, models.find("characters").pipeline).text == "bjjc"


def test_a_line_that_climbs() -> None:
    picture = np.pad(dark(rendered(TEXT).picture), ((12, 12), (0, 0)), mode="edge")
    climbing = np.stack(
        [np.roll(column, -round(0.05 * x)) for x, column in enumerate(picture.T, -150)], axis=1
    )
    line = read(climbing)
    assert line.text == TEXT
    tops = [character.box[1] for character in line.characters]
    assert tops[0] > tops[-1]


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1, 4])
def test_boxes_are_those_of_the_picture(factor: int) -> None:
    known = rendered("Hand 42 jump")
    line = read(np.kron(known.picture, np.ones((factor, factor))))
    found = np.array([c.box for c in line.characters])[:, [1, 0, 3, 2]]
    assert np.abs(found / factor - known.boxes).max() <= 2.5


@pytest.mark.parametrize("shape", [(1001, 1100), (1100, 1001), (1009, 1009), (112, 112)])
def test_a_character_that_fills_its_picture_has_it_for_a_box(shape: tuple[int, int]) -> None:
    known = rendered("K", BOLD, height=192)
    top, left, bottom, right = known.boxes[0]
    whole = Image.fromarray(np.rint(255 * dark(known.picture))[top:bottom, left:right])
    found = _alone(np.asarray(whole.resize(shape[::-1])) / np.float32(255), reader())
    assert found is not None
    assert np.abs(np.subtract(found.boxes[0], (0, 0, *shape[::-1]))).max() <= 0.05 * max(shape)
    assert found.boxes[0][2] <= shape[1]
    assert found.boxes[0][3] <= shape[0]


@pytest.mark.slow
def test_many_lines_of_words() -> None:
    rng = np.random.default_rng(7)
    errors = total = 0
    for i in range(12):
        text = texts.words(rng)
        errors += edit_distance(text, read(rendered(text, seed=i).picture).text)
        total += len(text)
    assert errors <= 0.06 * total


def test_groups_do_not_change_where_a_line_is_cut() -> None:
    """An m is no I and L, and so on, though in capitals alone it might be."""
    known = rendered("mummy 42").picture
    whole, capitals = read(known), read_line(known, reader(), "caseless")
    assert (whole.text, capitals.text) == ("mummy 42", "MUMMY 42")
    assert [c.box for c in capitals.characters] == [c.box for c in whole.characters]
    assert read_line(rendered("6").picture, reader(), "digits").text == "6"
    for text in ("Solid oil", "of Illinois"):  # the kinds of its neighbours tell what an l is
        line = read_line(rendered(text).picture, reader(), "caseless")
        assert line.text == text.upper()
    with pytest.raises(UnknownNameError, match="did you mean 'caseless'"):
        read_line(known, reader(), "caseles")


# ------------------------------------------------------------------ parting


class Blocks:
    """Sees a ``b`` in ink about 12 pixels wide, of a line 24 tall, and else nothing sure."""

    classes_ = np.array(list("abdefghijlmnqrt"))

    def predict_proba(self, pictures: np.ndarray) -> np.ndarray:
        width = (pictures < 0.5).any(axis=1).sum(axis=1)
        sure = np.exp(-0.5 * ((width - 12) / 2) ** 2)[:, None]
        return sure * (self.classes_ == "b") + (1 - sure) / len(self.classes_)


def blocks(*lefts: int) -> np.ndarray:
    """White paper with characters of 24×12 pixels, open in the middle as an o is."""
    picture = np.ones((60, 200))
    for left in lefts:
        picture[18:42, left : left + 12] = 0
        picture[23:37, left + 4 : left + 8] = 1
    return picture


def test_characters_that_touch_are_parted() -> None:
    picture = blocks(20, 33, 60)
    picture[40:42, 32:33] = 0
    assert find_strokes(picture.astype(np.float32)).labels.max() == 2
    line = read_line(picture, Blocks())
    assert line.text == "bb b"
    assert [c.box[0] for c in line.characters] == pytest.approx([20, 33, 60], abs=1)


def test_a_broken_character_is_joined() -> None:
    picture = blocks(20, 40, 60)
    picture[:, 46] = 1
    assert find_strokes(picture.astype(np.float32)).labels.max() == 4
    line = read_line(picture, Blocks())
    assert len(line.characters) == 3
    assert line.characters[1].box == pytest.approx((40, 18, 52, 42), abs=1)


def test_a_dot_is_its_stems() -> None:
    picture = blocks(20, 60)
    picture[18:22, 44:48] = picture[26:42, 44:48] = 0
    strokes = find_strokes(picture.astype(np.float32))
    assert strokes.labels.max() == 4
    line = read_line(picture, Blocks())
    assert len(line.characters) == 3
    assert line.characters[1].box == pytest.approx((44, 18, 48, 42), abs=1)


def test_specks_are_no_characters() -> None:
    picture = blocks(20, 40, 60)
    picture[5, 100] = picture[50, 33] = 0.3
    assert len(read_line(picture, Blocks()).characters) == 3


def test_pieces_follow_from_left_to_right() -> None:
    pieces = cut_up(find_strokes(rendered("mountain wave").picture))
    assert (np.diff((pieces.left + pieces.right) / 2) > -3).all()
    assert len(pieces.part) == len(pieces.join) == len(pieces) - 1
    assert set(np.unique(pieces.own)) == set(range(len(pieces) + 1))


def test_the_best_path() -> None:
    scores = {(0, 1): -0.1, (1, 2): -0.1, (2, 3): -0.1, (0, 2): -0.05, (1, 3): -9.0}
    assert decode.best_runs(scores, np.array([1.0, 0.0])) == (
        [(0, 2), (2, 3)],
        pytest.approx(-0.15),
    )
    assert decode.best_runs(scores, np.array([-1.0, 0.0])) == (
        [(0, 1), (1, 2), (2, 3)],
        pytest.approx(0.7),
    )
    assert decode.best_runs({(0, 1): -3.0}, np.zeros(0)) == ([(0, 1)], -3)


def test_neighbours_tell_what_shape_cannot() -> None:
    classes = ["0", "2", "O", "T", "o", "t"]
    doubt, two = [0.4, 0, 0.4, 0, 0.2, 0], [0, 1, 0, 0, 0, 0]
    tee, small = [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 1]

    def text(*rows: list[float]) -> str:
        first = [True] + [False] * (len(rows) - 1)
        weighed = decode.weigh(np.array(rows, dtype=float), classes, first)
        np.testing.assert_allclose(weighed.sum(axis=1), 1)
        return "".join(classes[i] for i in weighed.argmax(axis=1))

    assert text(two, doubt, two) == "202"
    assert text(tee, doubt, tee) == "TOT"
    assert text(small, doubt, small) == "tot"


def test_kinds_that_go_together() -> None:
    classes = ["0", "O", "o"]
    capital, small, digit = [0, 0.9, 0.1], [0, 0.1, 0.9], [0.9, 0.05, 0.05]

    def agreement(*rows: list[float], breaks: tuple[int, ...] = (0,)) -> float:
        first = [i in breaks for i in range(len(rows))]
        return decode.agreement(np.array(rows), classes, first)

    together = agreement(capital, small, small)
    assert together > agreement(small, capital, small)  # oOo
    assert together > agreement(capital, digit, small)
    apart = agreement(small, capital, capital, breaks=(0, 1))
    assert apart > agreement(small, capital, capital)


def test_guides_leave_open_what_the_ink_does() -> None:
    width = np.full(4, 10.0)
    mixed = guides.guess(np.array([10, 17, 17, 10.0]), np.array([34, 34, 41, 34.0]), width)
    assert mixed == [pytest.approx((34, 24))]
    flat = guides.guess(np.full(4, 17.0), np.full(4, 34.0), width)
    assert [g.baseline for g in flat[:2]] == [34, 34]
    assert flat[0].capital == 17
    assert flat[1].capital == pytest.approx(17 / guides.X_HEIGHT)


# ------------------------------------------------------------------ what is no line

RNG = np.random.default_rng(0)


def dot() -> np.ndarray:
    picture = np.ones((48, 200))
    picture[30:34, 90:94] = 0
    return picture


def page(*texts: str) -> np.ndarray:
    texts = texts or ("Hand 42", "quick jump", "MAP by")
    lines = [dark(rendered(text).picture) for text in texts]
    wide = max(line.shape[1] for line in lines)
    pads = [((0, 0), (0, wide - line.shape[1])) for line in lines]
    both = zip(lines, pads, strict=True)
    return np.vstack([np.pad(line, pad, mode="edge") for line, pad in both])


BAD = {
    "white": (np.ones((48, 300)), "no character"),
    "black": (np.zeros((48, 300)), "no character"),
    "a gradient": (np.tile(np.linspace(0.2, 0.9, 300), (48, 1)), "no character"),
    "noise": (np.clip(0.5 + 0.2 * RNG.normal(size=(48, 300)), 0, 1), "no character"),
    "salt": (np.where(RNG.random((48, 300)) < 0.3, 0.0, 1.0), "no character"),
    "pepper": (np.where(RNG.random((300, 300)) < 0.03, 0.0, 1.0), "places|pixels tall|no char"),
    "one dot": (dot(), "a dot or a block"),
    "a page": (page(), "has 3 lines; .* Tesseract reads whole pages"),
    "a short second line": (page("Total amount due", "15"), "has 2 lines"),
    "a column": (page("7", "8", "9"), "has [23] lines"),
    "a page as high as wide": (np.vstack([page()] * 4), "has 12 lines"),
    "NaN": (np.full((48, 99), np.nan), "NaN"),
}


@pytest.mark.parametrize(("picture", "message"), BAD.values(), ids=BAD)
def test_no_line_is_told_in_a_line(picture: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        read(picture)
    assert "\n" not in str(error.value)


# ------------------------------------------------------------------ errors counted, and drawn


@pytest.mark.parametrize(
    ("truth", "answer", "distance"),
    [
        ("", "", 0),
        ("abc", "abc", 0),
        ("abc", "", 3),
        ("", "ab", 2),
        ("kitten", "sitting", 3),
        ("rn", "m", 2),
        ("flaw", "lawn", 2),
        ("a b", "ab", 1),
    ],
)
def test_edit_distance(truth: str, answer: str, distance: int) -> None:
    assert edit_distance(truth, answer) == edit_distance(answer, truth) == distance


def test_texts_have_the_length_asked_for() -> None:
    rng = np.random.default_rng(0)
    for make in (texts.words, texts.random):
        drawn = [make(rng) for _ in range(50)]
        assert all(8 <= len(text) <= 20 and text == " ".join(text.split()) for text in drawn)
        assert set("".join(drawn)) <= {*CHARACTERS, " "}


def test_annotations_are_drawn_where_the_characters_are() -> None:
    picture = dark(rendered("Hand 42").picture)
    drawn = np.asarray(annotate(picture, read(picture)))
    coloured = (drawn.max(axis=2) - drawn.min(axis=2).astype(int)) > 60
    assert drawn.shape[1] == picture.shape[1]
    assert coloured[:, rendered("Hand 42").boxes[0][1] - 1].sum() >= 20
