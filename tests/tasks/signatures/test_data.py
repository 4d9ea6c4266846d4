"""Signatures: published sets in the layouts that go round, and one's own folders and CSV files."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tools import write_folder as write

from bpapps.data import named, registry
from bpapps.data.readers import DataError
from bpapps.data.registry import Dataset
from bpapps.kinds.verification import data
from bpapps.tasks.signatures.sources import SOURCES

REAL = Path(os.environ.get("BPAPPS_DATA", ""))


def load(name_or_path: str, data_dir: Path | None = None) -> Dataset:
    return data.load(name_or_path, data_dir, SOURCES)


def fetch(name: str, data_dir: Path) -> Path:
    return registry.fetch(name, SOURCES[name], data_dir)


def check(name: str, data_dir: Path) -> list[str]:
    return registry.check(name, SOURCES[name], data_dir)


def is_here(name: str, data_dir: Path) -> bool:
    return registry.is_here(name, SOURCES[name], data_dir)


def told(dataset: Dataset) -> list[tuple[str, bool]]:
    targets = dataset.whole.targets
    assert targets["genuine"].dtype == np.bool_
    assert dataset.whole.groups is not None
    np.testing.assert_array_equal(dataset.whole.groups, targets["owner"])
    return list(zip(targets["owner"].tolist(), targets["genuine"].tolist(), strict=True))


def refused(path: object, saying: str, root: Path | None = None) -> str:
    with pytest.raises(DataError, match=saying) as caught:
        load(str(path), root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ------------------------------------------------------------------ published sets

KINDS = {
    "cedar": ("original", "forgeries"), "gpds": ("c", "cf"), "mcyt75": ("v", "f"),
    "bhsig-bengali": ("G", "F"), "bhsig-hindi": ("G", "F"),
}  # fmt: skip
NAMES = {
    "cedar": "{kind}_{who}_{nr}.png",
    "gpds": "{kind}-{who:03d}-{nr:02d}.jpg",
    "mcyt75": "{who:04d}{kind}{nr:02d}.bmp",
    "bhsig-bengali": "B-S-{who:03d}-{kind}-{nr:02d}.tif",
    "bhsig-hindi": "H-S-{who}-{kind}-{nr:02d}.tif",
}
FOLDERS: list[tuple[str, str, str]] = [
    ("cedar", "cedar/full_org", "cedar/full_forg"),
    ("cedar", "full_org", "full_forg"),
    ("cedar", "cedar/signatures/full_org", "cedar/signatures/full_forg"),
    ("cedar", "cedar/{who}", "cedar/{who}"),
    ("cedar", "CEDAR/{who}", "CEDAR/{who}"),
    ("cedar", "cedar/CEDAR/CEDAR/{who}", "cedar/CEDAR/CEDAR/{who}"),
    ("gpds", "gpds/{who:03d}", "gpds/{who:03d}"),
    ("gpds", "gpds/4k/firmasSINTESISmanuscritas/{who}", "gpds/4k/firmasSINTESISmanuscritas/{who}"),
    ("mcyt75", "mcyt75/{who:04d}", "mcyt75/{who:04d}"),
    ("bhsig-bengali", "BHSig260/Bengali/{who:03d}", "BHSig260/Bengali/{who:03d}"),
    ("bhsig-bengali", "bhsig-bengali/{who:03d}", "bhsig-bengali/{who:03d}"),
    ("bhsig-hindi", "bhsig-hindi/Hindi/{who:03d}", "bhsig-hindi/Hindi/{who:03d}"),
    ("bhsig-hindi", "BHSig260-Hindi/{who}", "BHSig260-Hindi/{who}"),
    ("bhsig-hindi", "BHSig160_Hindi/Genuine", "BHSig160_Hindi/Forged"),
]  # fmt: skip


def published(root: Path, name: str, genuine: str, forged: str) -> Path:
    """Writers 2, 9 and 11 with two signatures and two forgeries each, and what lies beside."""
    files: dict[str, int | bytes] = {}
    for who in (11, 2, 9):
        for kind, folder in zip(KINDS[name], (genuine, forged), strict=True):
            for nr in (1, 2):
                file = NAMES[name].format(who=who, kind=kind, nr=nr)
                seed = 100 * who + 10 * (kind == KINDS[name][0]) + nr
                files[f"{folder.format(who=who)}/{file}"] = seed
    beside = Path(next(iter(files))).parent
    return write(root, {**files, f"{beside}/Thumbs.db": b"x", f"{beside}/list.genuine": b"x"})


@pytest.mark.parametrize("case", FOLDERS, ids=lambda case: f"{case[0]}-{case[1]}")
def test_published_layouts(tmp_path: Path, case: tuple[str, str, str]) -> None:
    root = published(tmp_path, *case)
    assert is_here(case[0], root)
    dataset = load(case[0], root)
    both = [True, True, False, False]
    assert told(dataset) == [(who, real) for who in ("2", "9", "11") for real in both]
    assert np.shape(dataset.whole.pictures) == (12, 9, 7)
    assert dataset.title == SOURCES[case[0]].title
    assert dataset.n_duplicates == 0
    (line,) = check(case[0], root)
    assert f"12 pictures and 0 copies, sha256 {dataset.sha256}" in line
    assert fetch(case[0], root).is_dir()


@pytest.mark.parametrize("case", FOLDERS, ids=lambda case: f"{case[0]}-{case[1]}")
def test_a_path_to_a_published_layout_is_as_good_as_the_name(
    tmp_path: Path, case: tuple[str, str, str]
) -> None:
    root, own = published(tmp_path, *case), tmp_path / case[0]
    given = str(own if own.is_dir() else root)
    by_path, by_name = load(given), load(case[0], root)
    assert told(by_path) == told(by_name)
    assert (by_path.sha256, by_path.title, by_path.licence) == (
        by_name.sha256, by_name.title, by_name.licence
    )  # fmt: skip
    assert by_path.name == given


def test_the_layout_does_not_change_the_data(tmp_path: Path) -> None:
    cases = [case for case in FOLDERS if case[0] == "cedar"]
    sums = {
        load("cedar", published(tmp_path / str(i), *case)).sha256 for i, case in enumerate(cases)
    }
    assert len(sums) == 1


def test_mcyt_forgeries_are_of_the_second_number(tmp_path: Path) -> None:
    files = {"0001/0001v00.bmp": 1, "0001/0002_0001f00.bmp": 2, "0002/0002V00.bmp": 3}
    dataset = load("mcyt75", write(tmp_path / "mcyt75", files).parent)
    assert told(dataset) == [("1", True), ("1", False), ("2", True)]


def test_the_folder_tells_the_writer_before_the_file_does(tmp_path: Path) -> None:
    """Two folders of BHSig260 hold files of one writer's number."""
    files = {
        f"Hindi/{folder}/H-S-124-{kind}-01.tif": 10 * folder + (kind == "G")
        for folder in (123, 124)
        for kind in "GF"
    }
    dataset = load("bhsig-hindi", write(tmp_path / "bhsig-hindi", files).parent)
    assert told(dataset) == [("123", True), ("123", False), ("124", True), ("124", False)]


@pytest.mark.parametrize("name", KINDS)
def test_sets_that_are_not_here_say_what_to_put_where(tmp_path: Path, name: str) -> None:
    row = SOURCES[name]
    assert row.urls == ()
    assert "research" in row.licence
    for call in (load, fetch, check):
        with pytest.raises(DataError) as caught:
            call(name, tmp_path)
        text = str(caught.value)
        assert row.layouts[0][0] in text
        assert str(tmp_path / name) in text
        assert row.source in text
        assert ".gz" not in text
    assert not is_here(name, tmp_path)


def test_half_a_set_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    write(tmp_path, {"cedar/full_org/original_1_1.png": 1, "cedar/full_org/original_2_1.png": 2})
    assert not is_here("cedar", tmp_path)
    refused("cedar", "full_forg/forgeries_", tmp_path)


# ------------------------------------------------------------------ one's own folders


@pytest.mark.parametrize("words", [("genuine", "forged"), ("Original", "forgeries")])
def test_folders_of_writers(tmp_path: Path, words: tuple[str, str]) -> None:
    real, forged = words
    files = {
        f"7/{real}/b.png": 1, f"7/{real}/a.png": 2, f"7/{forged}/a.png": 3,
        f"Ann/{real}/a.png": 4, "notes.txt": b"x", ".cache/x/y.png": 5,
        f"Ann/{real}/.hidden.png": 5, f"Ann/{real}/note.txt": b"x",
    }  # fmt: skip
    dataset = load(str(write(tmp_path / "own", files)))
    assert sorted(told(dataset)) == [("7", False), ("7", True), ("7", True), ("Ann", True)]
    assert (dataset.title, dataset.licence) == ("Folder own", "not stated")
    assert dataset.whole.targets["owner"].dtype.kind == "U"  # a writer called 7 is no number


OUTSIDE = "has pictures outside of genuine and forged"


def test_a_folder_of_classes_with_originals_beside_is_none_of_writers(tmp_path: Path) -> None:
    files = {"3/a.png": 1, "3/original/a.png": 2, "5/a.png": 3}
    folder = write(tmp_path, files)
    assert named.load(str(folder)).whole.targets.tolist() == [3, 5]
    refused(folder, OUTSIDE)


@pytest.mark.parametrize(
    "names", [("3/original_a.png", "5/forgeries_b.png"), ("3/x1v2.png", "5/y3f4.png")]
)
def test_classes_that_look_a_little_like_a_published_set_are_none(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    folder = write(tmp_path, dict(zip(names, (1, 2), strict=True)))
    assert named.load(str(folder)).whole.targets.tolist() == [3, 5]
    refused(folder, OUTSIDE)


def test_copies_are_dropped_and_counted(tmp_path: Path) -> None:
    files = {"a/genuine/1.png": 1, "a/genuine/2.bmp": 1, "a/forged/1.png": 2, "a/forged/2.png": 2}
    dataset = load(str(write(tmp_path, {**files, "b/genuine/1.png": 3})))
    assert told(dataset) == [("a", False), ("a", True), ("b", True)]
    assert dataset.n_duplicates == 2


def test_sha256_tells_pictures_writers_and_hands(tmp_path: Path) -> None:
    sets: list[dict[str, int | bytes]] = [
        {"a/genuine/1.png": 1, "a/original/2.png": 2, "b/genuine/1.png": 3},
        {"a/genuine/x.png": 1, "a/original/y.bmp": 2, "b/original/z.png": 3},  # other names only
        {"a/genuine/1.png": 1, "a/original/2.png": 2, "b/genuine/1.png": 4},
        {"a/genuine/1.png": 1, "a/original/2.png": 2, "c/genuine/1.png": 3},
        {"a/forged/1.png": 1, "a/original/2.png": 2, "b/genuine/1.png": 3},
    ]
    sums = [load(str(write(tmp_path / str(i), files))).sha256 for i, files in enumerate(sets)]
    assert sums[0] == sums[1]
    assert len(set(sums)) == 4


def test_broken_pictures_are_skipped_with_one_warning(tmp_path: Path) -> None:
    files = {
        "a/genuine/1.png": 1,
        "a/genuine/2.png": b"",
        "b/genuine/1.png": 2,
        "b/forged/x.png": b"x",
    }
    with pytest.warns(
        UserWarning, match="skipped 2 of 4 pictures; the first: .*2.png is empty"
    ) as w:
        dataset = load(str(write(tmp_path, files)))
    assert len(w) == 1
    assert told(dataset) == [("a", True), ("b", True)]


FILES: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "a folder": (
        {"a/genuine/1.png": 1, "a/forged/x.png": 2, "b/Original/1.png": 3, "b/original/2.png": 3},
        "",
        ["a/forged/x.png", "a/genuine/1.png", "b/Original/1.png"],
    ),
    "a published set": (
        {"full_org/original_2_1.png": 1, "full_org/original_1_1.png": 2,
         "full_forg/forgeries_1_1.png": 3},
        "",
        ["full_org/original_1_1.png", "full_forg/forgeries_1_1.png", "full_org/original_2_1.png"],
    ),
    "a CSV file": (
        {"in/1.png": 1, "2.png": 2, "list.csv": b"file,writer,genuine\nin/1.png,a,1\n2.png,b,1"},
        "list.csv",
        ["in/1.png", "2.png"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_the_files_of_signatures_are_known(tmp_path: Path, case: str) -> None:
    files, name, expected = FILES[case]
    dataset = load(str(write(tmp_path / "own", files) / name))
    assert dataset.whole.files is not None
    assert dataset.whole.files.tolist() == expected


def test_a_file_elsewhere_is_known_by_its_name(tmp_path: Path) -> None:
    elsewhere = write(tmp_path / "elsewhere", {"1.png": 1}) / "1.png"
    text = f"file,writer,genuine\n{elsewhere},a,1\n2.png,b,1".encode()
    files = write(tmp_path / "own", {"2.png": 2, "list.csv": text})
    dataset = load(str(files / "list.csv"))
    assert dataset.whole.files is not None
    assert dataset.whole.files.tolist() == ["1.png", "2.png"]


TWO = {"a/genuine/1.png": 1, "b/genuine/1.png": 2}
BAD_FOLDERS: dict[str, tuple[dict[str, Any], str]] = {
    "one writer": ({"a/genuine/1.png": 1, "a/forged/1.png": 2}, "fewer than two writers"),
    "no genuine": ({"a/forged/1.png": 1, "b/forged/1.png": 2}, "has no genuine picture"),
    "only forged": ({**TWO, "c/forged/1.png": 3}, "writer c has forgeries only"),
    "genuine broken": (
        {**TWO, "c/forged/1.png": 3, "c/genuine/1.png": b""},
        "writer c has forgeries only",
    ),
    "both": (
        {**TWO, "a/forged/x.png": 1},
        r"a/forged/x.png and .*a/genuine/1.png are the same picture.*genuine and forged",
    ),
    "of two": ({**TWO, "b/genuine/x.png": 1}, r"a/genuine/1.png and .*b/genuine/x.png .* a and b"),
    "another word": ({**TWO, "a/fake/1.png": 3}, "a/fake holds pictures; call it"),
    "nothing": (
        {"a/genuine/x.txt": b"", "b/genuine/x.txt": b""},
        "has no pictures in folders of writers; put",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_FOLDERS)
def test_bad_folders(tmp_path: Path, case: str) -> None:
    files, message = BAD_FOLDERS[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        text = refused(write(tmp_path / "own", files), message.replace("/", f"\\{os.sep}"))
    assert str(tmp_path / "own") in text


# ------------------------------------------------------------------ CSV


def write_csv(root: Path, text: str) -> Path:
    write(root, {"in/1.png": 1, "in/2.png": 2, "in/3.png": 3, "in/4.png": 4, "in/bad.png": b"x"})
    (root / "list.csv").write_text(text)
    return root / "list.csv"


ROWS = "in/1.png,7,{0}\nin/2.png,7,{1}\n\nin/3.png,Ann,{0}\n"


@pytest.mark.parametrize(
    "header", ["file,writer,genuine", "File, Writer ,GENUINE", "path,writer,genuine"]
)
@pytest.mark.parametrize(
    "words", [("1", "0"), ("true", "False"), ("genuine", "forged"), ("original", "Forgery")]
)
def test_csv_of_writers(tmp_path: Path, header: str, words: tuple[str, str]) -> None:
    dataset = load(str(write_csv(tmp_path, f"{header}\n{ROWS.format(*words)}")))
    assert told(dataset) == [("7", True), ("7", False), ("Ann", True)]
    assert (dataset.title, dataset.n_duplicates) == ("CSV file list.csv", 0)


def test_columns_stand_in_any_order(tmp_path: Path) -> None:
    text = "genuine,note,writer,file\n1,x,a,in/1.png\n0,,a,in/2.png\n1,,b,in/3.png\n"
    assert told(load(str(write_csv(tmp_path, text)))) == [
        ("a", True), ("a", False), ("b", True)
    ]  # fmt: skip


HEAD = "file,writer,genuine\n"
BAD_CSV = {
    "no flag": ("file,writer\nin/1.png,a\n", "line 1 has no column 'genuine'"),
    "no file": ("writer,genuine\na,1\n", "line 1 has no column 'file'"),
    "word": (HEAD + "in/1.png,a,maybe\n", "line 2: 'maybe' tells not if it is genuine"),
    "number": (HEAD + "in/1.png,a,1\nin/2.png,a,2\n", "line 3: '2' tells not"),
    "no writer": (HEAD + "in/1.png,,1\n", "line 2 has no writer"),
    "short": (HEAD + "in/1.png,a\n", "line 2 has 2 fields, but the header 3"),
    "missing": (HEAD + "in/no.png,a,1\n", "line 2: .*no.png does not exist"),
    "broken": (HEAD + "in/bad.png,a,1\n", "line 2: .*bad.png"),
    "empty": (HEAD, "has no rows"),
    "one writer": (HEAD + "in/1.png,a,1\nin/2.png,a,0\n", "fewer than two writers"),
    "both": (HEAD + "in/1.png,a,1\nin/1.png,a,0\nin/2.png,b,1\n", "genuine and forged"),
    "two": (HEAD + "in/1.png,a,1\nin/1.png,b,1\n", "of the writers a and b"),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_bad_csv_files(tmp_path: Path, case: str) -> None:
    text, message = BAD_CSV[case]
    path = write_csv(tmp_path, text)
    assert str(path.parent) in refused(path, message)


# ------------------------------------------------------------------ the real thing


@pytest.mark.slow
@pytest.mark.skipif(not (REAL / "cedar").is_dir(), reason="BPAPPS_DATA has no cedar/")
def test_real_signatures() -> None:
    dataset = load("cedar", REAL)
    writers, counts = np.unique(dataset.whole.targets["owner"], return_counts=True)
    assert len(writers) >= 45
    assert set(counts.tolist()) == {48}
    assert dataset.whole.targets["genuine"].mean() == 0.5
    assert dataset.n_duplicates == 0
    assert max(max(picture.shape) for picture in dataset.whole.pictures) <= 1024
