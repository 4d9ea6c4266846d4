"""The task's classes, its fonts, what is rendered from them, and how its data are split."""

from __future__ import annotations

import os
import shutil
import string
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tools
from fontTools.ttLib import TTFont
from PIL import Image

from bpapps import models
from bpapps.data import named
from bpapps.data.readers import DataError
from bpapps.kinds import load_results
from bpapps.names import UnknownNameError
from bpapps.pictures.shapes import bounding_boxes
from bpapps.tasks.characters import classes, data, render
from bpapps.tasks.characters.classes import CHARACTERS, GROUPINGS
from bpapps.tasks.characters.font_cache import FontCache
from bpapps.tasks.characters.fonts import Font, design, fonts, for_lines, split_families
from bpapps.tasks.characters.glyphs import stroke_width, thicken
from bpapps.tasks.characters.render import LIGHT, Look

REAL = Path(os.environ.get("BPAPPS_DATA", ""))
CLEAN = Look(*(0 for _ in range(5)), 0, 0, resolution=48, blur=0, noise=0, light=0, texture=0,
             fading=0, inverse=0)  # fmt: skip


@pytest.fixture(scope="module")
def own() -> list[Font]:
    """The fonts that come with matplotlib, which are there on every machine."""
    return fonts(_matplotlib())


def _matplotlib() -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def some(faces: list[Font], n: int = 62, seed: int = 0, **options) -> tuple[np.ndarray, np.ndarray]:
    return render.characters(faces, n, np.random.default_rng(seed), **options)


# ------------------------------------------------------------------ classes

MERGED = dict(zip("cijklmopsuvwxyz", "CIJKLMOPSUVWXYZ", strict=True))
WANTED = {
    "all": (62, {"a": "a", "A": "A", "7": "7"}),
    "balanced": (47, {"a": "a", "A": "A", "7": "7", "r": "r", **MERGED}),
    "caseless": (36, {"a": "A", "A": "A", "7": "7", "r": "R"}),
    "letters": (26, {"a": "A", "A": "A", "7": None}),
    "upper": (26, {"a": None, "A": "A", "7": None}),
    "digits": (10, {"a": None, "A": None, "7": "7"}),
}


@pytest.mark.parametrize("name", GROUPINGS)
def test_groupings(name: str) -> None:
    size, some_of_them = WANTED[name]
    assert len(set(GROUPINGS[name].values())) == size
    assert set(GROUPINGS[name]) <= set(CHARACTERS)
    for character, group in some_of_them.items():
        assert GROUPINGS[name].get(character) == group
    kept, labels = classes.group_labels(list(some_of_them), name)
    assert kept.tolist() == [group is not None for group in some_of_them.values()]
    assert labels.tolist() == [group for group in some_of_them.values() if group is not None]


def test_there_are_62_characters_in_emnists_order() -> None:
    assert "".join(CHARACTERS) == string.digits + string.ascii_uppercase + string.ascii_lowercase


@pytest.mark.parametrize("name", GROUPINGS)
def test_merged_probabilities(name: str) -> None:
    rng = np.random.default_rng(0)
    order = rng.permutation(CHARACTERS)
    probabilities = rng.dirichlet(np.ones(62), 20)
    merged, labels = classes.merge(probabilities, order, name)
    assert labels.tolist() == sorted(set(GROUPINGS[name].values()))
    assert merged.sum(axis=1) == pytest.approx(1)
    belongs = [GROUPINGS[name].get(str(c)) == labels[3] for c in order]
    kept = [str(c) in GROUPINGS[name] for c in order]
    expected = probabilities[:, belongs].sum(axis=1) / probabilities[:, kept].sum(axis=1)
    np.testing.assert_allclose(merged[:, 3], expected)


def test_what_is_improbable_in_a_grouping_is_even() -> None:
    merged, labels = classes.merge(np.array([[1.0, 0, 0]]), ["A", "1", "2"], "digits")
    assert labels.tolist() == ["1", "2"]
    assert merged.tolist() == [[0.5, 0.5]]


def test_unknown_groupings() -> None:
    with pytest.raises(UnknownNameError, match="grouping 'caseles'; did you mean 'caseless'"):
        classes.group_labels(["a"], "caseles")
    with pytest.raises(UnknownNameError, match="did you mean 'digits'"):
        classes.merge(np.ones((1, 1)), ["1"], "digit")
    with pytest.raises(ValueError, match="none of the classes is in the grouping 'digits'"):
        classes.merge(np.ones((1, 1)), ["A"], "digits")


# ------------------------------------------------------------------ fonts


def test_matplotlibs_fonts_are_used_and_those_without_letters_are_not(own: list[Font]) -> None:
    names = {font.path.name for font in own}
    assert {"DejaVuSans.ttf", "DejaVuSerif-Italic.ttf", "STIXGeneral.ttf", "cmr10.ttf"} <= names
    assert not {name for name in names if "Siz" in name or "NonUni" in name}  # of formulas
    assert not {"cmsy10.ttf", "cmex10.ttf", "LastResortHE-Regular.ttf"} & names
    assert len({font.family for font in own}) >= 5
    assert own == sorted(own)
    assert set(own) <= set(fonts())


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("DejaVu Sans Mono", "dejavu sans"),
        ("DejaVu Serif Condensed", "dejavu serif"),
        ("Bitstream Vera Sans", "dejavu sans"),
        ("STIXGeneral", "times"),
        ("Times New Roman", "times"),
        ("cmti10", "computer modern"),
        ("Arial Narrow", "helvetica"),
        ("Liberation Sans", "helvetica"),
        ("Liberation Mono", "cousine"),
        ("Noto Sans Devanagari UI", "noto sans"),
        ("Noto Serif CJK JP", "noto serif"),
        ("Comic Sans MS", "comic sans ms"),
        ("Mono", "mono"),
        ("Domitian", "palatino"),
        ("IBM Plex Sans Condensed", "ibm plex"),
        ("Source Code Pro", "source"),
        ("Yrsa", "merriweather"),
        ("Kurier Cond", "kurier"),
        ("BaskervilleF", "libre baskerville"),
        ("GoSmallcaps", "go"),
        ("Gothic A1", "gothic a1"),
    ],
)
def test_clones_of_a_design_are_one_family(name: str, family: str) -> None:
    assert design(name) == family


def test_families_are_split_by_their_names() -> None:
    faces = [Font(f"family {i // 3}", f"style {i}", Path("x")) for i in range(300)]
    train, test = split_families(faces)
    assert sorted(train + test) == sorted(faces)
    assert not {font.family for font in train} & {font.family for font in test}
    assert 0.15 < len(test) / len(faces) < 0.35
    assert split_families(faces)[1] == test
    assert split_families(faces, seed=1)[1] != test
    few = split_families(faces[:90])[1]  # whatever else there is
    assert few == [font for font in test if font in faces[:90]]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_neither_side_stays_empty(own: list[Font], share: float) -> None:
    train, test = split_families(own, test_share=share)
    assert train
    assert test
    with pytest.raises(ValueError, match="only one font family, times; give at least two"):
        split_families([font for font in own if font.family == "times"])


def test_a_broken_font_is_skipped_with_a_warning_that_names_it(tmp_path: Path) -> None:
    shutil.copy(_matplotlib() / "DejaVuSans.ttf", tmp_path / "good.ttf")
    whole = (tmp_path / "good.ttf").read_bytes()
    (tmp_path / "cut.ttf").write_bytes(whole[:500])
    (tmp_path / "page.otf").write_text("<!doctype html>")
    (tmp_path / "empty.ttc").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no font")
    with pytest.warns(UserWarning, match="skipped fonts that cannot be read") as told:
        found = fonts(tmp_path)
    assert [font.path.name for font in found] == ["good.ttf"]
    (warning,) = told
    for name in ("cut.ttf", "page.otf", "empty.ttc"):
        assert str(tmp_path / name) in str(warning.message)


def test_what_was_found_in_fonts_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file, kept = tmp_path / "a.ttf", tmp_path / "cache" / "bpapps" / "fonts.json"

    def look(rules: str = "1") -> str:
        cache = FontCache(rules)
        found = cache.found(file, lambda path: path.read_text())
        cache.save()
        return found

    file.write_text("first")
    times = file.stat()
    assert look() == "first"
    file.write_text("other")  # a change that neither its size nor its time tells
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert look() == "first"
    assert look(rules="2") == "other"
    file.write_text("third")
    os.utime(file, ns=(0, 0))
    assert look(rules="2") == "third"
    for damaged in ("{", "[]", '{"rules": "1", "files": {"' + str(file) + '": 7}}'):
        kept.write_text(damaged)
        assert look() == "third"
    monkeypatch.setenv("XDG_CACHE_HOME", str(file / "no folder"))
    assert look() == "third"


@pytest.mark.slow
def test_a_font_of_small_capitals_does_not_serve(tmp_path: Path) -> None:
    font = TTFont(_matplotlib() / "DejaVuSans.ttf")
    glyphs, names = font["glyf"], font.getBestCmap()
    for letter in string.ascii_lowercase:
        glyph = deepcopy(glyphs[names[ord(letter.upper())]])
        glyph.coordinates.scale((0.75, 0.75))
        glyph.removeHinting()
        glyphs[names[ord(letter)]] = glyph
    font.save(tmp_path / "capitals.ttf")
    shutil.copy(_matplotlib() / "DejaVuSerif.ttf", tmp_path)
    assert [font.path.name for font in fonts(tmp_path)] == ["DejaVuSerif.ttf"]


@pytest.mark.parametrize("there", [(), ("cmex10.ttf",)], ids=["empty", "no letters"])
def test_a_folder_without_a_font_that_serves(tmp_path: Path, there: tuple[str, ...]) -> None:
    for name in there:
        shutil.copy(_matplotlib() / name, tmp_path)
    with pytest.raises(ValueError, match="no font with the characters") as told:
        fonts(tmp_path)
    assert str(tmp_path) in str(told.value)
    with pytest.raises(ValueError, match="no font with the characters"):
        fonts(tmp_path / "missing")


def test_a_face_that_comes_twice_counts_once(tmp_path: Path) -> None:
    for name in ("a.ttf", "b.TTF", "deeper/c.ttf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(_matplotlib() / "DejaVuSans.ttf", tmp_path / name)
    assert [font.path.name for font in fonts(tmp_path)] == ["a.ttf"]


def test_a_font_without_a_space_sets_no_line(own: list[Font]) -> None:
    left = {font.path.name for font in own} - {font.path.name for font in for_lines(own)}
    assert left == {"cmmi10.ttf"}  # of formulas


# ------------------------------------------------------------------ characters


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


# ------------------------------------------------------------------ lines


def line(font: Font, text: str = "Hello O0 gjpqy WA1l", seed: int = 0, **options) -> render.Line:
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


# ------------------------------------------------------------------ data


def test_print_is_split_by_family(own: list[Font]) -> None:
    split = data.printed(own, each=(4, 2))
    assert split.train.pictures.shape == (248, 48, 36)
    assert np.unique(split.test.targets, return_counts=True)[1].tolist() == [2] * 62
    train, test = split_families(own)
    assert split.data["test_families"] == sorted({font.family for font in test})
    assert set(split.test.groups) <= {font.family for font in test}
    assert not set(split.test.groups) & {font.family for font in train}
    assert (split.data["n_fonts"], split.data["n_test"]) == (len(own), 124)
    again = data.printed(own, each=(4, 2))
    assert again.data == split.data
    assert again.train.pictures.tobytes() == split.train.pictures.tobytes()
    other = data.printed(own, seed=1, each=(4, 2))
    assert other.data["sha256"] != split.data["sha256"]
    assert other.data["test_families"] == split.data["test_families"]  # lest seeds leak them


EMNIST = {
    "emnist-byclass": (list(range(62)), list(CHARACTERS)),
    "emnist-bymerge": ([0, 10, 35, 36, 46], ["0", "A", "Z", "a", "t"]),
    "emnist-balanced": ([9, 38, 39, 40, 43, 44], ["9", "d", "e", "f", "n", "q"]),
    "emnist-letters": ([1, 2, 26], ["A", "B", "Z"]),
    "emnist-digits": ([0, 9], ["0", "9"]),
    "emnist-mnist": ([0, 9], ["0", "9"]),
}


def write_emnist(folder: Path, name: str, numbers: list[int]) -> np.ndarray:
    """A set in EMNIST's format, in which rows and columns are swapped; its upright pictures."""
    pictures = np.random.default_rng(0).integers(0, 256, (len(numbers), 6, 5), dtype=np.uint8)
    folder.mkdir(exist_ok=True)
    for part in ("train", "test"):
        images = folder / f"{name}-{part}-images-idx3-ubyte.gz"
        tools.write_idx(images, pictures.transpose(0, 2, 1))
        tools.write_idx(folder / f"{name}-{part}-labels-idx1-ubyte", np.array(numbers))
    return pictures


@pytest.mark.parametrize("name", EMNIST)
def test_emnist(tmp_path: Path, name: str) -> None:
    numbers, labels = EMNIST[name]
    pictures = write_emnist(tmp_path / name, name, numbers)
    split = data.load_data(name, tmp_path)
    np.testing.assert_array_equal(split.train.pictures, pictures)
    np.testing.assert_array_equal(split.test.pictures, pictures)
    assert split.train.targets.tolist() == split.test.targets.tolist() == labels
    assert split.data["split"] == "as its authors split it"
    assert split.data["name"] == name


@pytest.mark.parametrize(
    ("name", "number", "says"),
    [
        ("emnist-letters", 0, "label 1 is 0, which EMNIST Letters does not use"),
        ("emnist-letters", 27, "out of the range 0 to 26"),
        ("emnist-balanced", 47, "out of the range 0 to 46"),
    ],
)
def test_numbers_that_are_none_of_emnists(
    tmp_path: Path, name: str, number: int, says: str
) -> None:
    write_emnist(tmp_path / name, name, [1, number])
    with pytest.raises(DataError, match=says):
        data.load_data(name, tmp_path)


def test_emnist_that_is_not_here(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"put emnist-balanced-train-images-idx3-ubyte.gz, .* from"):
        data.load_data("emnist-balanced", tmp_path)


def test_a_folder_and_a_csv_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = ["path,label"]
    for label in ("A", "7"):
        (tmp_path / "own" / label).mkdir(parents=True)
        for i in range(5):
            path = tmp_path / "own" / label / f"{i}.png"
            Image.fromarray(rng.integers(0, 256, (9, 8), dtype=np.uint8)).save(path)
            rows.append(f"own/{label}/{i}.png,{label}")
    (tmp_path / "own.csv").write_text("\n".join(rows))
    for source in (tmp_path / "own", tmp_path / "own.csv"):
        split = data.load_data(str(source))
        assert sorted(split.test.targets.tolist()) == ["7", "A"]
        assert len(split.train.targets) == 8


def test_labels_are_text_even_where_all_are_digits(tmp_path: Path) -> None:
    tools.write_classes(tmp_path / "own", [3, 5])
    assert set(data.load_data(str(tmp_path / "own")).train.targets.tolist()) == {"3", "5"}


@pytest.mark.parametrize(("name", "near"), [("pritn", "print"), ("hand26", "hand62")])
def test_unknown_data(name: str, near: str) -> None:
    with pytest.raises(UnknownNameError, match=f"data set '{name}'; did you mean '{near}'"):
        data.load_data(name)


def test_named_data_are_described() -> None:
    from bpapps.tasks.characters import TASK

    assert TASK.data.keys() - {data.PRINT} <= named.DATASETS.keys()


@pytest.mark.slow
@pytest.mark.skipif(not (REAL / "hand62" / "PNG").is_dir(), reason="BPAPPS_DATA has no hand62/")
def test_the_real_hand62() -> None:
    split = data.load_data("hand62", REAL)
    assert (split.data["n_train"] + split.data["n_test"], split.data["n_duplicates"]) == (5737, 462)
    assert set(split.test.targets.tolist()) == set(CHARACTERS)


@pytest.mark.slow
@pytest.mark.skipif(not (REAL / "plate-chars").is_dir(), reason="BPAPPS_DATA has no plate-chars/")
def test_real_plates_are_only_tested_on(own: list[Font], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "fonts", lambda: own)
    monkeypatch.setattr(data, "TRAIN_EACH", 3)
    split = data.load_data("plate-chars", REAL)
    assert split.data["n_test"] == len(split.test.targets) == len(split.test.groups) == 3597
    assert set(split.train.targets.tolist()) == set(split.test.targets.tolist())
    assert split.train.pictures.shape == (3 * 34, 48, 36)


@pytest.mark.slow
def test_a_report_on_emnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real command, on a small set in EMNIST's format: columns before rows, numbers 0 to 46."""
    (font,) = (font for font in fonts(_matplotlib()) if font.path.name == "DejaVuSans.ttf")
    pictures, labels = some([font], 180, labels="7Ad", size=(28, 28), look=CLEAN)
    number = np.array([{"7": 7, "A": 10, "d": 38}[label] for label in labels])
    folder = tmp_path / "data" / "emnist-balanced"
    folder.mkdir(parents=True)
    for part, rows in (("train", slice(120)), ("test", slice(120, None))):
        start = folder / f"emnist-balanced-{part}"
        ink = 255 - pictures[rows]
        tools.write_idx(Path(f"{start}-images-idx3-ubyte.gz"), ink.transpose(0, 2, 1))
        tools.write_idx(Path(f"{start}-labels-idx1-ubyte.gz"), number[rows])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bpapps.kinds.classification.measuring.QUICK_LINES", 1)
    answer = tools.call(
        *("report", "characters", "--data=emnist-balanced", f"--data-dir={tmp_path / 'data'}"),
        *("--preset=mlp", "--set=hidden_layer_sizes=[32]", "--set=max_iter=4"),
        *("--set=augment=null", "--quick", "--json"),
    )
    assert answer.code == 0, answer.err
    report = tmp_path / "reports" / "characters-emnist-balanced"
    results = load_results(report / "results.json")
    assert results.details.classes == ["7", "A", "d"]
    assert (results.data["n_train"], results.data["n_test"]) == (120, 60)
    assert [row.recall.n for row in results.details.per_class] == np.unique(
        labels[120:], return_counts=True
    )[1].tolist()
    assert "EMNIST Balanced" in (report / "index.html").read_text(encoding="utf-8")
    # Upright, as the shipped reader knows them.
    split = data.load_data("emnist-balanced", tmp_path / "data")
    upright = models.find("characters").pipeline.predict(split.test.pictures)
    assert np.mean(upright == split.test.targets) > 0.8
