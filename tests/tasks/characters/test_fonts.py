"""Fonts that serve, and the families that they are of."""

from __future__ import annotations

import os
import shutil
import string
from copy import deepcopy
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from tasks.characters.fonts_here import matplotlibs

from bpapps.tasks.characters.font_cache import FontCache
from bpapps.tasks.characters.fonts import Font, design, fonts, for_lines, split_families


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
    shutil.copy(matplotlibs() / "DejaVuSans.ttf", tmp_path / "good.ttf")
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
    font = TTFont(matplotlibs() / "DejaVuSans.ttf")
    glyphs, names = font["glyf"], font.getBestCmap()
    for letter in string.ascii_lowercase:
        glyph = deepcopy(glyphs[names[ord(letter.upper())]])
        glyph.coordinates.scale((0.75, 0.75))
        glyph.removeHinting()
        glyphs[names[ord(letter)]] = glyph
    font.save(tmp_path / "capitals.ttf")
    shutil.copy(matplotlibs() / "DejaVuSerif.ttf", tmp_path)
    assert [font.path.name for font in fonts(tmp_path)] == ["DejaVuSerif.ttf"]


@pytest.mark.parametrize("there", [(), ("cmex10.ttf",)], ids=["empty", "no letters"])
def test_a_folder_without_a_font_that_serves(tmp_path: Path, there: tuple[str, ...]) -> None:
    for name in there:
        shutil.copy(matplotlibs() / name, tmp_path)
    with pytest.raises(ValueError, match="no font with the characters") as told:
        fonts(tmp_path)
    assert str(tmp_path) in str(told.value)
    with pytest.raises(ValueError, match="no font with the characters"):
        fonts(tmp_path / "missing")


def test_a_face_that_comes_twice_counts_once(tmp_path: Path) -> None:
    for name in ("a.ttf", "b.TTF", "deeper/c.ttf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(matplotlibs() / "DejaVuSans.ttf", tmp_path / name)
    assert [font.path.name for font in fonts(tmp_path)] == ["a.ttf"]


def test_a_font_without_a_space_sets_no_line(own: list[Font]) -> None:
    left = {font.path.name for font in own} - {font.path.name for font in for_lines(own)}
    assert left == {"cmmi10.ttf"}  # of formulas
