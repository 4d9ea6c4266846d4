"""Models as files, and what they say of pictures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tools

from bpapps import models, tasks
from bpapps.core import Params
from bpapps.core.storage import StorageError, load_network, save_network
from bpapps.kinds.classification.reading import Reading
from bpapps.models import Model
from bpapps.names import UnknownNameError
from bpapps.pictures.augment import Distortion
from bpapps.pictures.files import read_picture

DIGITS = tasks.get("digits")


def fitted(labels: np.ndarray, **settings: object) -> Model:
    pictures = tools.digits()[0][: len(labels)]
    tiny = {"layers": None, "hidden_layer_sizes": (8,), "max_iter": 1, "random_state": 0}
    pipeline = DIGITS.pipeline("small", **{**tiny, **settings})
    return Model(DIGITS, pipeline.fit(pictures, labels), {"note": "kept", "figures": {"x": 0.5}})


MODELS = {
    "numbers": lambda: fitted(np.arange(40) % 5),
    "words": lambda: fitted(np.array(["yes", "no", "あ"])[np.arange(40) % 3]),
    "a deeper net": lambda: fitted(np.arange(40) % 2, hidden_layer_sizes=(8, 7), activation="tanh"),
    "votes": lambda: fitted(np.arange(40) % 3, augment=Distortion((8, 8), shift=1.0), votes=2),
    "convolutions": lambda: fitted(
        np.arange(40) % 4, layers=DIGITS.presets["small"].estimator["layers"]
    ),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=list(MODELS))
def test_a_model_comes_back_bit_for_bit(make, tmp_path: Path) -> None:
    model = make()
    path = tmp_path / "m.safetensors"
    models.save(path, model)
    again = models.load(path)
    pictures = tools.digits()[0][100:120]
    ours, theirs = model.predict_proba(pictures), again.predict_proba(pictures)
    assert ours.tobytes() == theirs.tobytes()
    assert (model.pipeline.predict(pictures) == again.pipeline.predict(pictures)).all()
    assert again.task is DIGITS
    assert again.classes.tolist() == model.classes.tolist()
    assert again.classes.dtype.kind == model.classes.dtype.kind
    assert again.pipeline[0].get_params() == model.pipeline[0].get_params()
    assert again.pipeline[-1].network_ == model.pipeline[-1].network_
    assert (again.metadata["note"], again.metadata["figures"]) == ("kept", {"x": 0.5})
    assert again.metadata["versions"].keys() == {
        "bpapps",
        "python",
        "numpy",
        "scipy",
        "scikit-learn",
    }
    assert sorted(tools.contents(tmp_path)) == ["m.safetensors"]


def test_what_a_run_leaves_in_the_file(trained: Path) -> None:
    metadata = models.find(trained).metadata
    assert metadata["config"]["task"] == metadata["task"] == "digits"
    assert metadata["data"]["name"] == "digits"
    assert len(metadata["data"]["sha256"]) == 64
    assert metadata["training"]["epochs"] == 8
    assert metadata["figures"]["accuracy"]["n"] == 899


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot be written"):
        models.save(tmp_path / "file" / "m.safetensors", MODELS["numbers"]())
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    "name", [name for name in tasks.names() if tasks.get(name).shipped.exists()]
)
def test_weights_that_do_not_fit_the_layers(name: str, tmp_path: Path) -> None:
    """As of a model that was stored before a layer came to take one input more."""
    path = tmp_path / "m.safetensors"
    network, params, metadata = load_network(tasks.get(name).shipped)
    weights = dict(params.items())
    last = max(key for key, value in weights.items() if value.ndim == 2)
    weights[last] = weights[last][:-1]
    vector = np.concatenate([value.ravel() for value in weights.values()])
    fewer = Params(vector, {key: value.shape for key, value in weights.items()})
    save_network(path, network, fewer, metadata)
    with pytest.raises(StorageError, match=f"{path.name}: .*do not fit its layers.*train it again"):
        models.load(path)


# ------------------------------------------------------------------ finding


def test_find_by_folder_file_and_task(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = shutil.copy(trained / models.FILE_NAME, tmp_path / "a.safetensors")
    monkeypatch.setattr(tasks.Task, "shipped", Path(file))
    (tmp_path / "digits").mkdir()  # does not hide the task
    monkeypatch.chdir(tmp_path)
    vectors = {
        models.find(name).pipeline[-1].params_.vector.tobytes()
        for name in (trained, str(trained), file, "a.safetensors", "digits")
    }
    assert len(vectors) == 1


def test_find_says_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tasks.Task, "shipped", tmp_path / "none.safetensors")
    with pytest.raises(UnknownNameError, match="did you mean 'digits'"):
        models.find("digit")
    with pytest.raises(ValueError, match="no model is shipped for digits; train one"):
        models.find("digits")
    with pytest.raises(ValueError, match="no trained model in this folder"):
        models.find(tmp_path)
    with pytest.raises(StorageError, match="runs/no: cannot be read"):
        models.find("runs/no")


# ------------------------------------------------------------------ reading

READINGS = [
    (
        Reading("a.png", "", 7, 0.912, 1, 0.05),
        "a.png: 7 (91.2%), then 1 (5.0%)",
        {"problem": None, "label": 7, "unsure": False},
    ),
    (
        Reading("a.png", "", "x", 0.4, "y", 0.35),
        "a.png: unsure: x (40.0%), then y (35.0%)",
        {"problem": None, "label": "x", "unsure": True},
    ),
    (
        Reading("a.png", "a.png is empty; give a picture file"),
        "a.png is empty; give a picture file",
        {"problem": "a.png is empty; give a picture file", "label": None, "unsure": False},
    ),
]


@pytest.mark.parametrize(("reading", "text", "said"), READINGS)
def test_a_reading_as_text_and_as_json(reading: Reading, text: str, said: dict) -> None:
    assert str(reading) == text
    plain = json.loads(json.dumps(reading.plain(), allow_nan=False))
    assert {key: plain[key] for key in said} == said
    assert plain.keys() == {
        *("file", "problem", "label", "probability", "runner_up", "runner_up_probability"),
        "unsure",
    }


def test_reading_files(trained: Path, tmp_path: Path) -> None:
    model = models.find(trained)
    picture = tools.digits()[0][0]
    good = tools.write_photo(tmp_path / "good.png", picture)
    blank = tools.write_photo(tmp_path / "blank.png", picture * 0)
    first, second, third = model.read([good, blank, tmp_path / "none.png"])
    probabilities = model.predict_proba([read_picture(good)])[0]
    order = probabilities.argsort()[::-1]
    assert (first.label, first.runner_up) == tuple(model.classes[order[:2]])
    assert first.probability == probabilities[order[0]]
    assert first.runner_up_probability == probabilities[order[1]]
    assert (first.file, first.problem) == (str(good), "")
    assert second.problem.startswith(f"{blank}: nothing to recognise, ")
    assert second.label is third.label is None
    assert "does not exist" in third.problem


OPTIONS = {
    "a grouping it lacks": (
        "characters", {"classes": "caseles"}, UnknownNameError, "did you mean 'caseless'"
    ),
    "no groupings": ("digits", {"classes": "caseless"}, ValueError, "digits takes no classes"),
    "no references": ("digits", {"reference": ["a.png"]}, ValueError, "digits takes no reference"),
    "another kind's": ("signatures", {"classes": "x"}, ValueError, "signatures takes no classes"),
    "a reference it lacks": ("signatures", {}, ValueError, "reference"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "options", "error", "message"), OPTIONS.values(), ids=OPTIONS)
def test_an_option_that_the_task_does_not_take(
    name: str, options: dict, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        Model(tasks.get(name), None, {}).read([Path("none.png")], **options)


def test_an_option_that_is_none_is_not_given(trained: Path) -> None:
    assert models.find(trained).read([], classes=None, reference=None) == []
