"""Lines on the command line: text, JSON, a drawing, and what is refused.

The reader knows one font; it needs to be right about little here.
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import tools
from PIL import Image

from bpapps import models, tasks
from bpapps.tasks.characters import render

TASK = tasks.get("characters")
FILE = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
SANS = render.Font("dejavu sans", "DejaVu Sans Book", FILE)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader of one font, that trains in a second or two."""
    pictures, labels = render.characters([SANS], 1860, np.random.default_rng(0), look=render.LIGHT)
    small = {"hidden_layer_sizes": (64,), "max_iter": 12, "augment": None, "random_state": 0}
    pipeline = TASK.pipeline("mlp", **small).fit(pictures, labels)
    path = tmp_path_factory.mktemp("model") / models.FILE_NAME
    models.save(path, models.Model(TASK, pipeline, {}))
    return path


def write(path: Path, text: str) -> Path:
    picture = render.line(text, SANS, np.random.default_rng(0)).picture
    Image.fromarray(np.rint(255 * picture).astype(np.uint8)).save(path)
    return path


def width(path: Path) -> int:
    with Image.open(path) as picture:
        return picture.width


def test_text_and_confidence(model: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "line.png", "Kate 42")
    answer = tools.call("predict", model, file)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"{file}: ")
    assert "Kate 42 (" in answer.out


def test_json_has_boxes_and_confidences(model: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "line.png", "Kate 42")
    (reading,) = json.loads(tools.call("predict", model, file, "--json").out)
    assert reading["file"] == str(file)
    assert reading["problem"] is None
    assert reading["text"] == "Kate 42"
    assert "".join(character["text"] for character in reading["characters"]) == "Kate42"
    for character in reading["characters"]:
        left, top, right, bottom = character["box"]
        assert 0 <= left < right <= width(file)
        assert 0 <= top < bottom <= 48
        assert 0 < character["confidence"] <= 1
    assert reading["unsure"] == (reading["confidence"] < 0.5)


def test_one_character_is_a_line_of_one(model: Path, tmp_path: Path) -> None:
    (reading,) = json.loads(
        tools.call("predict", model, write(tmp_path / "k.png", "K"), "--json").out
    )
    assert reading["text"] == "K"
    assert len(reading["characters"]) == 1


def test_groups_of_classes(model: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "line.png", "Kate 42")
    (reading,) = json.loads(tools.call("predict", model, file, "--json", "--classes=caseless").out)
    assert reading["text"] == "KATE 42"


def test_groups_do_not_change_where_a_line_is_cut(model: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "line.png", "mummy 42")

    def boxes(*options: str) -> list[list[int]]:
        (reading,) = json.loads(tools.call("predict", model, file, "--json", *options).out)
        return [character["box"] for character in reading["characters"]]

    assert boxes() == boxes("--classes=caseless") == boxes("--classes=digits")


def test_a_drawing(model: Path, tmp_path: Path) -> None:
    file, out = write(tmp_path / "line.png", "Kate 42"), tmp_path / "drawn.png"
    answer = tools.call("predict", model, file, "--annotate", out)
    assert (answer.code, answer.err) == (0, "")
    assert width(out) == width(file)


def test_lines_that_cannot_be_read(model: Path, tmp_path: Path) -> None:
    Image.new("L", (300, 48), 255).save(tmp_path / "blank.png")
    good = write(tmp_path / "line.png", "Kate 42")
    with Image.open(good) as line:
        Image.fromarray(np.vstack([np.asarray(line)] * 3)).save(tmp_path / "page.png")
    files = [tmp_path / "blank.png", good, tmp_path / "page.png", tmp_path / "no.png"]
    answer = tools.call("predict", model, *files, "--json")
    assert answer.code == 1
    read = json.loads(answer.out)
    assert [reading["text"] for reading in read] == [None, "Kate 42", None, None]
    assert {frozenset(reading) for reading in read} == {
        frozenset({"file", "problem", "text", "confidence", "characters", "unsure"})
    }
    assert [len(reading["characters"]) for reading in read] == [0, 6, 0, 0]
    blank, page, missing = answer.errors
    assert blank.endswith("blank.png: nothing to recognise, no character was found")
    assert "page.png: nothing to recognise, it has 3 lines" in page
    assert "Tesseract" in page
    assert "no.png does not exist" in missing


WRONG = {
    "two pictures": (["--annotate=out.png", "line.png", "line.png"], 2, "one picture at a time"),
    "over itself": (["--annotate=line.png", "line.png"], 2, "would overwrite"),
    "no such groups": (["--classes=caselss", "line.png"], 2, "did you mean 'caseless'"),
    "groups without a name": (["--classes=", "line.png"], 2, "unknown grouping of characters ''"),
    "no format": (["--annotate=out.xyz", "line.png"], 2, "out.xyz: its name does not end as a"),
    "no suffix": (["--annotate=out", "line.png"], 2, "call it out.png"),
    "cannot be written": (["--annotate=out.psd", "line.png"], 2, "call it out.png"),
    "no folder": (["--annotate=no/out.png", "line.png"], 2, "there is no folder no to write to"),
    "before all": (["--annotate=no/out.png", "none.png"], 2, "there is no folder no to write to"),
    "nothing to draw": (["--annotate=out.png", "blank.png"], 1, "no character was found"),
}


@pytest.mark.parametrize(("options", "code", "says"), WRONG.values(), ids=WRONG)
def test_wrong_use(
    options: list[str],
    code: int,
    says: str,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "line.png", "Kate 42")
    Image.new("L", (300, 48), 255).save(tmp_path / "blank.png")
    before = tools.contents(tmp_path)
    answer = tools.call("predict", model, *options)
    assert answer.code == code
    assert len(answer.errors) == 1
    assert says in answer.errors[0]
    assert answer.out == ""
    assert tools.contents(tmp_path) == before


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--annotate=out.png", "nothing to draw"),
        ("--classes=caseless", "--classes: digits takes none, only characters does; leave it out"),
        ("--classes=", "--classes: digits takes none, only characters does; leave it out"),
    ],
)
def test_tasks_of_one_thing_a_picture(
    option: str, says: str, trained: Path, tmp_path: Path
) -> None:
    file = tools.write_photo(tmp_path / "photo.png", tools.digits()[0][0])
    answer = tools.call("predict", trained, file, option)
    assert answer.code == 2
    assert says in answer.errors[0]
