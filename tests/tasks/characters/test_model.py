"""The characters' normalizer keeps what tells o from O; their data and nets work together."""

from __future__ import annotations

import os
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter, grey_dilation
from sklearn.base import clone

from bpapps import tasks
from bpapps.data import named, readers, registry
from bpapps.kinds.classification import measuring
from bpapps.pictures.augment import Distortion
from bpapps.pictures.shapes import bounding_boxes
from bpapps.tasks.characters.classes import CHARACTERS
from bpapps.tasks.characters.preprocess import SIZES, CharacterNormalizer

FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
DATA = Path(os.environ.get("BPAPPS_DATA") or "nowhere")
Y, X = np.mgrid[-1:1:48j, -1:1:36j]
NOISE = np.random.default_rng(0).normal(size=(48, 36))


def drawn(character: str, size: int = 34, shape: tuple[int, int] = (48, 36)) -> np.ndarray:
    """A character in its place in a line, in DejaVu Sans, ink 1 on paper 0."""
    picture = Image.new("L", shape[::-1])
    font = ImageFont.truetype(str(FONT), size)
    ImageDraw.Draw(picture).text((shape[1] / 2, 36), character, 255, font, anchor="ms")
    return np.asarray(picture, dtype=np.float32) / 255


INK = np.stack([drawn(c) for c in "aGk7"])


def channels(pictures: object) -> tuple[np.ndarray, np.ndarray]:
    """The ink alone, and the ink in its place, (n, 28, 28) each."""
    fields = CharacterNormalizer().transform(pictures).reshape(-1, 28, 28, 2)
    return fields[..., 0], fields[..., 1]


# What was done to the pictures, and the least correlation with the clean ones afterwards.
DISGUISES = {
    "light on dark": (0.1 + 0.8 * INK, 0.99),
    "pale": (0.9 - 0.15 * INK, 0.99),
    "bytes": ((255 * (1 - INK)).astype(np.uint8), 0.99),
    "plane": (0.7 - 0.4 * INK + 0.2 * X, 0.99),
    "lamp": (0.9 - 0.4 * INK - 0.1 * (X**2 + Y**2), 0.9),
    "noise": (np.clip(0.9 - 0.6 * INK + 0.05 * NOISE, 0, 1), 0.85),
}


@pytest.mark.parametrize(("pictures", "least"), DISGUISES.values(), ids=DISGUISES)
def test_a_character_in_disguise_looks_the_same(pictures: np.ndarray, least: float) -> None:
    for seen, clean in zip(channels(pictures), channels(1 - INK), strict=True):
        rows, wanted = seen.reshape(len(INK), -1), clean.reshape(len(INK), -1)
        likeness = np.corrcoef(rows, wanted)[: len(INK), len(INK) :]
        assert likeness.diagonal().min() > least


def test_the_first_channel_forgets_the_size_and_the_second_keeps_it() -> None:
    alone, placed = channels(1 - np.stack([drawn("o"), drawn("O")]))
    small, large = bounding_boxes(alone > 0.3)
    assert abs((small - large)[[0, 2]]).max() <= 2
    small, large = bounding_boxes(placed > 0.3)
    assert large[2] - large[0] > 1.2 * (small[2] - small[0])
    assert abs(small[2] - large[2]) <= 1  # both stand on the line


def test_the_second_channel_is_empty_where_the_ink_fills_the_picture() -> None:
    (top, left, bottom, right) = bounding_boxes(INK[1:2] > 0.5)[0]
    alone, placed = channels(1 - INK[1:2, top:bottom, left:right])
    assert alone.any()
    assert not placed.any()


@pytest.mark.parametrize(("light", "least"), [(False, 0.9), (True, 0.8)], ids=["dark", "light"])
def test_bold_print_cut_tight_is_told_from_its_paper(light: bool, least: float) -> None:
    """Such a picture may be more ink than paper."""
    named = [c for c in CHARACTERS if c not in "Il1"]  # of an I nothing but ink is left
    ink = grey_dilation(np.stack([drawn(c, 44, (60, 60)) for c in named]), size=(1, 3, 3)) > 0.5
    told = {}
    for c, picture, box in zip(named, ink, bounding_boxes(ink), strict=True):
        top, left, bottom, right = box
        tight = picture[top:bottom, left:right]
        alone, _ = channels([(tight if light else ~tight).astype(np.float32)])
        wanted, _ = channels([1 - np.pad(tight, 20).astype(np.float32)])
        told[c] = np.vdot(alone, wanted) > 0.9 * np.linalg.norm(alone) * np.linalg.norm(wanted)
    assert all(told[c] for c in "8BDORSW")
    assert sum(told.values()) > least * len(told)


def test_upright_sets_slanted_ink_straight() -> None:
    leaning = np.stack([np.roll(row, round((24 - y) * 0.25)) for y, row in enumerate(drawn("l"))])
    width = []
    for upright in (False, True):
        rows = CharacterNormalizer(upright=upright).transform([1 - leaning])
        box = bounding_boxes(rows.reshape(1, 28, 28, 2)[..., 0] > 0.3)[0]
        width.append(box[3] - box[1])
    assert width[1] < 0.7 * width[0]


def test_narrow_ink_may_be_widened() -> None:
    sides = []
    for widen in (False, True):
        rows = CharacterNormalizer(widen=widen).transform([1 - drawn("l")])
        top, left, bottom, right = bounding_boxes(rows.reshape(1, 28, 28, 2)[..., 0] > 0.5)[0]
        sides.append((bottom - top, right - left))
    assert sides[0][0] == sides[1][0] == 24
    assert sides[1][1] > 1.5 * sides[0][1]


def test_what_it_takes_and_gives() -> None:
    normalizer = clone(CharacterNormalizer(box=20))
    assert normalizer.get_params() == {
        "size": 28, "box": 20, "widen": False, "upright": False, "sizes": False,
    }  # fmt: skip
    rows = normalizer.fit_transform([1 - INK[0], 1 - drawn("x", 80, (100, 90))])
    assert rows.shape == (2, 2 * 28 * 28)
    assert rows.dtype == np.float32
    assert 0 <= rows.min() < rows.max() <= 1
    assert normalizer.transform(rows) is rows
    with pytest.raises(ValueError, match="box=30, size=28"):
        CharacterNormalizer(box=30).transform(INK)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (1, 9)])
@pytest.mark.parametrize("settings", [{}, {"upright": True}, {"widen": True}], ids=str)
def test_pictures_of_a_pixel_or_two(shape: tuple[int, int], settings: dict) -> None:
    rows = CharacterNormalizer(sizes=True, **settings).transform(np.zeros((3, *shape)))
    assert rows.shape == (3, 2 * 28 * 28 + 4)
    assert not rows.any()


def test_sizes_tell_of_ink_and_stroke() -> None:
    picture = np.ones((40, 40), dtype=np.float32)
    picture[11:29, 10:12] = picture[11:29, 24:26] = picture[19:21, 12:24] = 0  # an H of 18×16
    twice = picture.repeat(2, axis=0).repeat(2, axis=1)
    blank = np.full((40, 40), 0.8, dtype=np.float32)
    normalizer = CharacterNormalizer(sizes=True)
    rows = normalizer.transform([picture, twice, blank])
    assert rows.shape == (3, 2 * 28 * 28 + 4)
    assert normalizer.transform(rows) is rows
    assert np.array_equal(rows[:, :-4], CharacterNormalizer().transform([picture, twice, blank]))
    sizes = rows[:, -4:]
    assert np.abs(sizes[0]).max() < 1
    usual = np.array([deviation for _, deviation in SIZES.values()])
    grown = np.minimum(3, sizes[0] + np.log(2) / usual)
    assert np.allclose(sizes[1, :3], grown[:3], atol=0.6)
    assert not sizes[2].any()
    soft = normalizer.transform([gaussian_filter(picture, 1.0)])[0, -4:]
    assert np.allclose(soft[:2], sizes[0, :2], atol=0.5)
    assert soft[3] < sizes[0, 3] - 1  # the edges of its strokes are less steep


def test_blank_paper_is_refused_and_gives_zeros() -> None:
    normalizer = CharacterNormalizer()
    blank = np.full((40, 30), 0.8, dtype=np.float32)
    assert normalizer.inspect(blank) == "no ink was found"
    assert not normalizer.transform([blank]).any()
    assert [normalizer.inspect(1 - picture) for picture in INK] == [None] * len(INK)


# ------------------------------------------------------------------ distortions of two channels


def test_channels_are_distorted_alike() -> None:
    one = np.random.default_rng(0).random((6, 12 * 9)).astype(np.float32)
    twice = np.repeat(one[:, :, None], 2, axis=2).reshape(6, -1)
    strengths = {"shift": 1.0, "rotation": 9.0, "elastic": 0.8, "thickness": 0.4, "gain": 0.2}
    single = Distortion((12, 9), **strengths)(one, np.random.default_rng(1))
    double = Distortion((12, 9), **strengths, channels=2)(twice, np.random.default_rng(1))
    pair = double.reshape(6, -1, 2)
    assert np.array_equal(pair[..., 0], single)
    assert np.array_equal(pair[..., 1], single)


def test_the_last_channel_may_get_lost() -> None:
    x = np.ones((400, 4 * 4 * 2), dtype=np.float32)
    x.flags.writeable = False
    out = Distortion((4, 4), channels=2, lost=0.25)(x, np.random.default_rng(0))
    pair = out.reshape(400, -1, 2)
    assert (pair[..., 0] == 1).all()
    empty = (pair[..., 1] == 0).all(axis=1)
    assert empty.mean() == pytest.approx(0.25, abs=0.06)
    assert (pair[~empty] == 1).all()


# ------------------------------------------------------------------ data sets


def write(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True)
    for seed, name in enumerate(names):
        pixels = np.random.default_rng(seed).integers(0, 256, (9, 7), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)


def test_hand62_is_read_by_its_names(tmp_path: Path) -> None:
    folder = tmp_path / "hand62" / "PNG"
    write(folder, "CAP_A_0.png", "SMALL_a_0.PNG", "DIGIT_7_12.png", "strange.png")
    (folder / "CAP_B_0.png").write_bytes((folder / "SMALL_a_0.PNG").read_bytes())
    Image.new("L", (1, 2)).save(folder / "SMALL_i_83.png")
    dataset = named.load("hand62", tmp_path)
    assert sorted(dataset.whole.targets.tolist()) == ["7", "A", "B"]  # of equal pictures the first
    assert dataset.whole.targets.dtype.kind == "U"
    assert dataset.n_duplicates == 1
    assert dataset.whole.groups is None
    assert (
        "3 pictures and 1 copies" in registry.check("hand62", named.DATASETS["hand62"], tmp_path)[0]
    )


def test_plate_characters_are_grouped_by_plate(tmp_path: Path) -> None:
    names = [f"{c}-{i}-CROPPED_{plate}-2014.jpg" for plate in "XY" for i, c in enumerate("0A")]
    write(tmp_path / "plate-chars" / "gb", *names)
    dataset = named.load("plate-chars", tmp_path)
    assert dataset.whole.targets.tolist() == ["0", "0", "A", "A"]
    assert dataset.whole.groups is not None
    assert [group[8] for group in dataset.whole.groups] == ["X", "Y", "X", "Y"]


@pytest.mark.parametrize(("name", "folder"), [("hand62", "PNG/"), ("plate-chars", "gb/")])
def test_a_set_that_is_not_here(name: str, folder: str, tmp_path: Path) -> None:
    with pytest.raises(readers.DataError, match=f"put {folder} from .* into {tmp_path / name}"):
        named.load(name, tmp_path)
    assert not registry.is_here(name, named.DATASETS[name], tmp_path)
    write(tmp_path / name / folder, "unknown.png")
    with pytest.raises(readers.DataError, match="no pictures of the set's names"):
        named.load(name, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "hand62").is_dir(), reason="hand62 is not in BPAPPS_DATA")
def test_hand62_has_62_classes_and_462_copies() -> None:
    dataset = named.load("hand62", DATA)
    assert (len(dataset.whole.targets), dataset.n_duplicates) == (5737, 462)
    assert len(np.unique(dataset.whole.targets)) == 62


# ------------------------------------------------------------------ the shipped model

SHIPPED = tasks.get("characters").shipped


@pytest.mark.skipif(not SHIPPED.exists(), reason="no model is shipped yet: train_characters.py")
def test_the_shipped_model_is_small_and_reads_print() -> None:
    from bpapps import models

    assert SHIPPED.stat().st_size < 3e6
    model = models.load(SHIPPED)
    text = "abdefghkmnqrtyABDEFGHKLMNPRTY2345679"
    guesses = model.pipeline.predict(np.stack([1 - 0.8 * drawn(c) for c in text]))
    assert np.mean([a == b for a, b in zip(guesses, text, strict=True)]) > 0.9


@pytest.mark.slow
@pytest.mark.skipif(not SHIPPED.exists(), reason="no model is shipped yet: train_characters.py")
def test_lines_of_print_are_read_with_print_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from bpapps import models, runs
    from bpapps.data.splits import Part, Split

    monkeypatch.setattr(measuring, "QUICK_LINES", 2)
    text = "abdE279"
    pictures = np.stack([1 - 0.8 * drawn(c) for c in text])
    run = runs.of_model(models.load(SHIPPED))
    for name, read in (("print", True), ("mine", False)):
        data = {"name": name, "title": name, "sha256": name, "n_train": 0, "n_test": 7}
        part = Part(pictures, np.array(list(text)))
        split = Split(part, None, part, data)
        results = runs.measure(run, split, "", noise=False, dependence=False, quick=True)
        assert (results.details.lines is not None) == read


@pytest.mark.slow
@pytest.mark.skipif(not SHIPPED.exists(), reason="no model is shipped yet: train_characters.py")
@pytest.mark.parametrize("text", ["7175", "57316", "100", "Hi", "K", "w"])
@pytest.mark.parametrize("margin", [20, 60])
def test_a_word_in_much_paper_is_no_single_character(text: str, margin: int) -> None:
    from bpapps import models
    from bpapps.tasks.characters.lines import read_line

    font = ImageFont.truetype(str(FONT), 40)
    left, top, right, bottom = font.getbbox(text)
    picture = Image.new("L", (int(right - left) + 2 * margin, int(bottom - top) + 2 * margin), 255)
    ImageDraw.Draw(picture).text((margin - left, margin - top), text, 0, font)
    read = read_line(picture, models.load(SHIPPED).pipeline).text
    assert read == text or (text == "w" and read == "W")
