"""Runs: what a folder keeps, how a training resumes, and what is measured."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tools

from bpapps import models, runs, tasks
from bpapps.core import Epoch, checkpoints
from bpapps.data.splits import Split
from bpapps.kinds import parse_results
from bpapps.kinds.classification import measuring
from bpapps.kinds.verification import verdicts
from bpapps.pictures.noise import CORRUPTIONS
from bpapps.report.page import render
from bpapps.results import Results
from bpapps.runs import Config, Run

TINY = {"layers": None, "hidden_layer_sizes": [16], "max_iter": 6, "batch_size": 20}
CONFIG = Config("digits", "digits", "small", seed=7, settings=TINY)


@pytest.fixture(scope="module")
def split() -> Split:
    """A few digits."""
    whole = tasks.get("digits").load_data("digits")
    return Split(
        whole.train.take(np.arange(100)),
        None,
        whole.test.take(np.arange(50)),
        {**whole.data, "n_train": 100, "n_test": 50},
    )


@pytest.fixture(scope="module")
def run(split: Split) -> Run:
    return runs.train(CONFIG, split)


def vector(run: Run) -> bytes:
    return run.model.pipeline[-1].params_.vector.tobytes()


def html_of(results: Results) -> str:
    return render(results, tasks.get(results.task).kind.sections)


def losses(run: Run) -> list[float]:
    return [epoch["loss"] for epoch in run.history]


# ------------------------------------------------------------------ training and its folder


def test_a_model_is_trained_further(run: Run, split: Split, tmp_path: Path) -> None:
    start = str(tmp_path / models.FILE_NAME)
    models.save(Path(start), run.model)
    twice = [runs.train(replace(CONFIG, start=start), split) for _ in range(2)]
    assert vector(twice[0]) == vector(twice[1]) != vector(run)
    assert losses(twice[0])[0] < losses(run)[0]
    assert twice[0].config.name != CONFIG.name


@pytest.mark.slow
def test_what_a_model_was_started_from_is_told(run: Run, split: Split, tmp_path: Path) -> None:
    first, second = str(tmp_path / "first.safetensors"), str(tmp_path / "second.safetensors")
    models.save(Path(first), run.model)
    other = replace(split, data={**split.data, "sha256": "other", "title": "Other"})
    again = runs.train(replace(CONFIG, start=first), other)
    models.save(Path(second), again.model)
    third = runs.train(replace(CONFIG, start=second), other).model
    title = split.data["title"]
    told = {
        "model": first,
        "shipped": False,
        "data": title,
        "seconds": run.model.metadata["training"]["seconds"],
        "start": None,
    }
    assert run.model.start is None
    assert again.model.start == models.load(Path(second)).start == told
    assert third.start is not None
    assert (third.start["model"], third.start["data"]) == (second, "Other")
    assert third.start["start"] == told
    assert run.model.trained_on == title
    assert again.model.trained_on == third.trained_on == f"Other, and before that on {title}"
    results = runs.measure(again, other, "", noise=False, dependence=False)
    assert results.model["started_from"] == results.figures()["started_from"] == told
    assert parse_results(results.to_json()) == results
    html = " ".join(html_of(results).split())
    assert f"<dt>Started from</dt><dd>{first}, trained on " in html
    whole = runs.measure(run, split, "", noise=False, dependence=False)
    assert whole.model["started_from"] is None
    assert "Started from" not in html_of(whole)
    whole.model.pop("started_from")  # as in results of before
    assert "Started from" not in html_of(parse_results(whole.to_json()))


STARTS: dict[str, tuple[dict[str, Any], str]] = {
    "no start": ({"data": {"title": "A"}}, "A"),
    "nothing told": ({}, "data that it does not state"),
    "a start of before": (
        {"data": {"title": "A"}, "config": {"start": "digits"}},
        "A, and before that on what digits was trained on",
    ),
    "a start": (
        {"data": {"title": "A"}, "config": {"start": "x"}, "start": {"model": "x", "data": "B"}},
        "A, and before that on B",
    ),
}


@pytest.mark.parametrize(("metadata", "told"), STARTS.values(), ids=STARTS)
def test_what_a_model_was_trained_on(metadata: dict[str, Any], told: str, run: Run) -> None:
    model = replace(run.model, metadata=metadata)
    assert model.trained_on == told
    assert verdicts.limits(model).startswith(f"Limits: trained on {told}; on other writers")


def test_a_shipped_model_is_told_from_others(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert models.as_start("digits", run.model)["shipped"]
    assert not models.as_start("runs/digits", run.model)["shipped"]
    tmp_path.joinpath("digits").mkdir()
    models.save(tmp_path / "digits" / models.FILE_NAME, run.model)
    assert not models.as_start("digits", run.model)["shipped"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings": {**TINY, "hidden_layer_sizes": [17]}}, "other layers"),
        ({"seed": 8}, "give --seed 7"),
        ({"start": "signatures"}, "a model for signatures, not for digits"),
        ({"start": "digits"}, "preprocessed by"),
        ({"start": "nowhere"}, "nowhere"),
    ],
)
def test_a_start_that_will_not_do(
    change: dict, message: str, run: Run, split: Split, tmp_path: Path
) -> None:
    start = tmp_path / models.FILE_NAME
    models.save(start, run.model)
    with pytest.raises(ValueError, match=message):
        runs.train(replace(CONFIG, **{"start": str(start), **change}), split)


def test_a_run_in_memory(run: Run, split: Split) -> None:
    assert run.config == CONFIG
    assert [epoch["epoch"] for epoch in run.history] == [1, 2, 3, 4, 5, 6]
    assert run.model.metadata["training"]["epochs"] == 6
    accuracy = (run.model.pipeline.predict(split.test.pictures) == split.test.targets).mean()
    assert run.model.metadata["figures"]["accuracy"]["value"] == accuracy
    net = run.model.pipeline[-1]
    assert (net.verbose, net.callbacks, net.checkpoint) == (False, (), None)


def test_a_run_in_a_folder_comes_back(run: Run, split: Split, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "run"
    made = runs.train(CONFIG, split, folder)
    assert sorted(tools.contents(folder)) == [
        *("config.json", "history.json", "log.txt", "model.safetensors")
    ]
    assert vector(made) == vector(run)
    loaded = runs.load(folder)
    assert (vector(loaded), loaded.history) == (vector(made), made.history)
    assert loaded.config == Config.load(folder / "config.json") == CONFIG
    lines = (folder / "log.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 6
    assert lines[1].startswith(f"epoch 2  steps 10  loss {made.history[1]['loss']:.6g}  ")
    assert runs.find(folder).history == made.history
    alone = runs.find(folder / models.FILE_NAME)
    assert (alone.config, alone.history) == (CONFIG, [])


def test_the_seed_decides(run: Run, split: Split) -> None:
    assert vector(runs.train(replace(CONFIG, seed=8), split)) != vector(run)


class CutOffError(Exception):
    """What a test cuts a training off with."""


def stop_after(epochs: int):
    def stop(epoch: Epoch, _: Any) -> None:
        if epoch.epoch == epochs:
            raise CutOffError

    return stop


@pytest.mark.parametrize("epochs", [1, 3, 6])
def test_a_training_cut_off_resumes_to_the_same_bits(
    epochs: int, run: Run, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    folder = tmp_path / "run"
    with pytest.raises(CutOffError):
        runs.train(CONFIG, split, folder, callbacks=(stop_after(epochs),))
    assert sorted(tools.contents(folder))[:2] == [runs.CHECKPOINT, "config.json"]
    seen: list[int] = []
    resumed = runs.train(CONFIG, split, folder, callbacks=(lambda e, _: seen.append(e.epoch),))
    assert (vector(resumed), losses(resumed)) == (vector(run), losses(run))
    assert seen == [1, 2, 3, 4, 5, 6]
    assert len((folder / "log.txt").read_text(encoding="utf-8").splitlines()) == 6
    assert not (folder / runs.CHECKPOINT).exists()


def test_a_checkpoint_without_a_folder(run: Run, split: Split, tmp_path: Path) -> None:
    file = tmp_path / "c.safetensors"
    with pytest.raises(CutOffError):
        runs.train(CONFIG, split, checkpoint=file, callbacks=(stop_after(2),))
    resumed = runs.train(CONFIG, split, checkpoint=file)
    assert (vector(resumed), losses(resumed)) == (vector(run), losses(run))
    assert sorted(tools.contents(tmp_path)) == [file.name]


@pytest.mark.parametrize(
    "other",
    [
        replace(CONFIG, seed=8),
        replace(CONFIG, settings={**TINY, "max_iter": 9}),
        replace(CONFIG, settings={**TINY, "hidden_layer_sizes": [17]}),
    ],
    ids=["seed", "setting", "net"],
)
def test_another_config_does_not_go_on_in_a_folder(
    other: Config, split: Split, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(CutOffError):
        runs.train(CONFIG, split, folder, callbacks=(stop_after(2),))
    before = tools.contents(folder)
    with pytest.raises(ValueError, match=f"{runs.CHECKPOINT}: .* of a training with another"):
        runs.train(other, split, folder)
    assert tools.contents(folder) == before


def test_a_finished_run_is_not_overwritten(split: Split, tmp_path: Path) -> None:
    runs.train(CONFIG, split, tmp_path / "run")
    before = tools.contents(tmp_path)
    with pytest.raises(ValueError, match="run: holds a finished run; give another --out"):
        runs.train(CONFIG, split, tmp_path / "run")
    assert tools.contents(tmp_path) == before


def test_a_training_that_fails_at_once_leaves_nothing(split: Split, tmp_path: Path) -> None:
    one_class = replace(split, train=replace(split.train, targets=np.zeros(100, dtype=int)))
    with pytest.raises(ValueError, match="one class"):
        runs.train(CONFIG, one_class, tmp_path / "run")
    assert tools.contents(tmp_path) == {}
    runs.train(replace(CONFIG, seed=1), split, tmp_path / "run")  # the folder is free


@pytest.mark.parametrize("missing", ["history.json", "model.safetensors"])
def test_a_run_that_lacks_a_file(missing: str, split: Split, tmp_path: Path) -> None:
    runs.train(CONFIG, split, tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(ValueError, match=missing):
        runs.load(tmp_path)


@pytest.mark.parametrize("content", ["", "[1]", '[{"epoch": 1}]', "{"])
def test_a_damaged_history(content: str, split: Split, tmp_path: Path) -> None:
    runs.train(CONFIG, split, tmp_path)
    (tmp_path / "history.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"history\.json: missing or damaged; train again"):
        runs.load(tmp_path)


def test_an_output_folder_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    for name in ("old", "new", "newer/and/deeper"):
        with runs.output_folder(tmp_path / name):
            assert (tmp_path / name).is_dir()
    assert sorted(tools.contents(tmp_path)) == ["old"]


# ------------------------------------------------------------------ configs


@pytest.mark.parametrize(
    "values",
    [
        {"seed": "7"},
        {"seed": 1.5},
        {"data": 3},
        {"preset": None},
        {"settings": [1]},
        {"settings": {"random_state": 3}},
        {"settings": {"checkpoint": "x"}},
    ],
    ids=str,
)
def test_a_config_of_wrong_types(values: dict) -> None:
    with pytest.raises(ValueError, match=r"a config|the run's own"):
        Config(**{"task": "digits", "data": "digits", "preset": "small", **values})


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("mnist", "digits-mnist-cnn-3"),
        ("hand62", "digits-hand62-cnn-3"),
        ("/some/where/photos", "digits-photos-25f37985-cnn-3"),
        ("/some/where/photos/", "digits-photos-25f37985-cnn-3"),
        ("/some/where/else/../photos", "digits-photos-25f37985-cnn-3"),
        ("/photos", "digits-photos-1d2dd771-cnn-3"),
        ("/some/where/mnist", "digits-mnist-ef737a91-cnn-3"),
        ("/some/where/v1.2", "digits-v1.2-f71bdac6-cnn-3"),
        ("/some/where/v1.3", "digits-v1.3-801cea50-cnn-3"),
        ("/data.csv", "digits-data.csv-41c8f2ae-cnn-3"),
    ],
)
def test_a_folders_name(data: str, name: str) -> None:
    assert Config("digits", data, "cnn", seed=3).name == name


def test_other_settings_get_a_folder_of_their_own() -> None:
    names = [
        replace(CONFIG, settings=s).name for s in ({}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, TINY)
    ]
    assert names[0] == "digits-digits-small-7"
    assert names[1] == names[2]
    assert len(set(names)) == 3
    assert all(name.startswith(names[0]) for name in names)


def test_the_current_folder_as_data_has_a_name_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path / "photos")
    names = {Config("digits", data, "cnn").name for data in (".", str(tmp_path / "photos"))}
    assert len(names) == 1
    assert re.fullmatch("digits-photos-[0-9a-f]{8}-cnn-0", names.pop())


# ------------------------------------------------------------------ data to measure on


def test_the_part_held_out_is_that_of_the_training(tmp_path: Path) -> None:
    """Else a model would be tested on what it was trained on."""
    data = str(tools.write_classes(tmp_path / "data", [1, 2, 3], each=10))
    load = tasks.get("digits").load_data
    run = runs.train(Config("digits", data, "small", 5, TINY), load(data, seed=5))
    own = load(data, seed=5).test.targets, names(load(data, seed=5))
    for seed in (0, 5, 6):
        for source in (None, data, f"{data}/"):
            split = runs.data_for(run, source, seed=seed)
            assert (split.test.targets == own[0]).all()
            assert names(split) == own[1]
    other = str(tools.write_classes(tmp_path / "other", [1, 2], each=10))
    with pytest.warns(UserWarning, match="16 of 20 pictures are left out"):  # the same digits
        split = runs.data_for(run, other, seed=6)
    assert len(split.test) == 4
    assert set(names(split)) <= set(own[1])


def names(split: Split) -> list[bytes]:
    return [np.asarray(picture).tobytes() for picture in split.test.pictures]


# ------------------------------------------------------------------ measuring


def test_measure(run: Run, split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "NOISE_PICTURES", 20)
    heard: list[tuple[int, int, str]] = []
    results = runs.measure(run, split, "the command", progress=lambda *step: heard.append(step))
    assert (results.task, results.title) == ("digits", f"Handwritten digits: {split.data['title']}")
    assert results.data == split.data
    assert results.model["preset"] == "small"
    assert results.model["n_parameters"] == 64 * 16 + 16 + 16 * 10 + 10
    assert results.model["layers"][1:] == [
        *("ReLU()", "Dense(units=10, initializer='glorot_uniform')")
    ]
    settings = results.model["settings"]  # the user's go before the preset's
    assert settings.items() >= {key: TINY[key] for key in TINY if key != "layers"}.items()
    assert settings["solver"] == "adamw"
    assert "layers" not in settings  # they stand apart
    assert results.training["epochs"] == 6
    assert results.training["history"] == run.history
    seconds = sum(epoch["seconds"] for epoch in run.history)
    assert results.training["seconds"] == seconds
    assert results.training["samples_per_second"] == pytest.approx(600 / seconds)
    assert results.details.accuracy.n == 50
    assert vars(results.details.accuracy) == run.model.metadata["figures"]["accuracy"]
    assert [(speed.title, speed.of) for speed in results.speed] == [("Recognition", "picture")]
    assert results.speed[0].a_second > 0
    assert results.speed[0].milliseconds_one > 0
    (sweep,) = results.noise
    assert {curve.name for curve in sweep.curves} == CORRUPTIONS.keys()
    assert {point.score.n for curve in sweep.curves for point in curve.points} == {20}
    assert sweep.reading
    assert [point.share for point in results.learning_curve] == [0.1, 0.25, 0.5, 1.0]
    assert [point.share for point in results.label_noise] == [0.0, 0.1, 0.2, 0.4]
    assert results.dependence_reading
    details = results.details
    assert (details.grouping_scores, details.group_scores, details.lines) == ([], [], None)
    assert (details.top_k, details.confused_pairs) == ([], [])
    assert results.made["command"] == "the command"
    assert results.made["seed"] == 7
    assert results.made["seconds"] >= seconds
    assert heard
    assert all(0 < done <= total for done, total, _ in heard)
    assert parse_results(results.to_json()) == results


def test_measure_only_what_is_asked_for(run: Run, split: Split) -> None:
    results = runs.measure(run, split, "", noise=False, dependence=False)
    assert (results.noise, results.learning_curve, results.label_noise) == ([], [], [])
    quick = runs.measure(run, split, "", quick=True, seed=3)
    assert quick.noise
    assert (quick.learning_curve, quick.label_noise, quick.made["seed"]) == ([], [], 3)


def test_measure_by_groups_of_the_test_pictures(run: Run, split: Split) -> None:
    grouped = replace(split, test=replace(split.test, groups=np.repeat(["x", "y"], 25)))
    results = runs.measure(run, grouped, "", noise=False, dependence=False)
    assert {(score.name, score.accuracy.n) for score in results.details.group_scores} == {
        ("x", 25), ("y", 25)
    }  # fmt: skip
    right = sum(score.accuracy.value * 25 for score in results.details.group_scores)
    assert right == pytest.approx(50 * results.details.accuracy.value)


def test_a_model_measured_on_other_data_says_so(run: Run, split: Split) -> None:
    other = replace(split, data={**split.data, "sha256": "other", "title": "Other", "n_train": 5})
    data = runs.measure(run, other, "", noise=False, dependence=False).data
    assert (data["title"], data["n_train"]) == ("Other", 100)
    title = split.data["title"]
    assert data["notes"] == f"the model was trained on other data: {title}, 100 pictures"
    again = replace(split, data={**split.data, "sha256": "other"})
    data = runs.measure(run, again, "", noise=False, dependence=False).data
    assert data["notes"].endswith("on another drawing from the same source, 100 pictures")


def test_pictures_of_several_sizes_are_measured_too(run: Run, split: Split) -> None:
    pictures = [np.pad(picture, i % 3) for i, picture in enumerate(np.asarray(split.test.pictures))]
    results = runs.measure(
        run, replace(split, test=replace(split.test, pictures=pictures)), "", quick=True
    )
    assert results.details.accuracy.n == 50
    assert {curve.points[0].score for curve in results.noise[0].curves} == {
        results.details.accuracy
    }


def test_scores_beside_a_report(tmp_path: Path) -> None:
    assert runs.scores_in(tmp_path) == []
    row = {
        "name": "n",
        "protocol": "p",
        "mean": 0.9,
        "spread": 0.01,
        "values": [0.9],
        "target": 0.8,
    }
    row |= {"reference": "r", "command": "c", "at_most": False}
    (tmp_path / "scores.json").write_text(json.dumps([row]), encoding="utf-8")
    assert [vars(score) for score in runs.scores_in(tmp_path)] == [row]
    (tmp_path / "scores.json").write_text("[{}]", encoding="utf-8")
    with pytest.raises(ValueError, match=r"scores\.json: damaged"):
        runs.scores_in(tmp_path)
