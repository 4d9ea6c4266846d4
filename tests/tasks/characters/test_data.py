"""The task's data: print, EMNIST, hand62, plates and one's own, and how they are split."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tools
from PIL import Image
from tasks.characters.fonts_here import CLEAN, matplotlibs, some

from bpapps import models
from bpapps.data import named
from bpapps.data.readers import DataError
from bpapps.kinds import load_results
from bpapps.names import UnknownNameError
from bpapps.tasks.characters import data
from bpapps.tasks.characters.classes import CHARACTERS
from bpapps.tasks.characters.fonts import Font, fonts, split_families

REAL = Path(os.environ.get("BPAPPS_DATA", ""))


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
    (font,) = (font for font in fonts(matplotlibs()) if font.path.name == "DejaVuSans.ttf")
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
