"""What a model is tested on: all that it never saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tools
from PIL import Image
from sklearn.datasets import load_digits

from bpapps import runs, tasks
from bpapps.kinds import load_results
from bpapps.pictures.digests import digests


def folder(path: Path, rows: range, strange: str = "") -> Path:
    """Pictures of digits by their classes, some of a class of another name."""
    bunch = load_digits()
    for row in rows:
        name = strange if strange and row % 10 == 0 else str(bunch.target[row])
        (path / name).mkdir(parents=True, exist_ok=True)
        gray = np.rint(255 * bunch.images[row] / 16).astype(np.uint8)
        Image.fromarray(gray).resize((16, 16), 0).save(path / name / f"{row}.png")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[runs.Run, Path]:
    data = folder(tmp_path_factory.mktemp("own"), range(200))
    config = runs.Config("digits", str(data), "small", settings={"max_iter": 1})
    split = tasks.get("digits").load_data(str(data))
    return runs.train(config, split), data


def test_other_data_are_tested_whole(trained: tuple[runs.Run, Path], tmp_path: Path) -> None:
    split = runs.data_for(trained[0], str(folder(tmp_path / "new", range(300, 400))))
    assert len(split.test) == 100
    assert len(split.train) == 0
    assert "left_out" not in split.data


def test_its_own_data_keep_their_test_part(trained: tuple[runs.Run, Path]) -> None:
    run, data = trained
    assert len(runs.data_for(run, seed=7).test) == 40
    assert runs.data_for(run, str(data), seed=7).data == runs.data_for(run).data


@pytest.mark.filterwarnings("always")  # which the command line tells in a line
def test_its_own_folder_with_more_in_it_is_reported_on(tmp_path: Path) -> None:
    data, run = folder(tmp_path / "mine", range(60)), tmp_path / "run"
    few = ("--preset", "small", "--set", "max_iter=1", "--data", data)
    assert tools.call("train", "digits", *few, "--out", run).code == 0
    folder(data, range(100, 120))
    answer = tools.call("report", "digits", "--model", run, "--out", tmp_path / "reports/one")
    assert answer.code == 0, answer.err
    assert "48 of 80 pictures are left out" in answer.err
    results = load_results(tmp_path / "reports/one/results.json")
    assert results.data["n_test"] == 32  # 20 new ones, and the 12 that were held out
    assert results.learning_curve == []  # there is nothing to train on anew


def test_pictures_that_it_was_trained_on_are_left_out(
    trained: tuple[runs.Run, Path], tmp_path: Path
) -> None:
    mixed = folder(tmp_path / "mixed", range(100, 300))
    with pytest.warns(UserWarning, match="are left out: the model was trained on them"):
        split = runs.data_for(trained[0], str(mixed))
    own = tasks.get("digits").load_data(str(trained[1]))
    known = np.isin(digests(split.test.pictures), digests(own.train.pictures))
    assert not known.any()
    assert len(split.test) + split.data["left_out"] == 200
    assert 60 < split.data["left_out"] < 100
    assert split.data["n_test"] == len(split.test)


def test_where_all_were_seen_there_is_nothing_to_test(
    trained: tuple[runs.Run, Path], tmp_path: Path
) -> None:
    own = tasks.get("digits").load_data(str(trained[1])).train
    for row in range(20):
        (tmp_path / str(own.targets[row])).mkdir(exist_ok=True)
        gray = np.rint(255 * own.pictures[row]).astype(np.uint8)
        Image.fromarray(gray).save(tmp_path / str(own.targets[row]) / f"{row}.png")
    with pytest.raises(ValueError, match="no picture is left to test on: 20 of 20 pictures"):
        runs.data_for(trained[0], str(tmp_path))


def test_unknown_classes_are_left_out_and_counted(
    trained: tuple[runs.Run, Path], tmp_path: Path
) -> None:
    split = runs.data_for(trained[0], str(folder(tmp_path / "x", range(300, 400), "x")))
    with pytest.warns(UserWarning, match="10 of 100 pictures are left out"):
        results = runs.measure(trained[0], split, "bpapps", noise=False, dependence=False)
    assert results.headline.score.interval.n == 90
    assert results.data["left_out"] == 10
    assert "does not know their classes, x" in results.data["notes"]


def test_one_picture_a_class_is_enough(trained: tuple[runs.Run, Path], tmp_path: Path) -> None:
    few = folder(tmp_path / "few", range(310, 313))
    results = runs.measure(
        trained[0], runs.data_for(trained[0], str(few)), "bpapps", noise=False, dependence=False
    )
    assert results.headline.score.interval.n == 3
    told = "\n".join(results.details.told())
    assert "recall –" in told  # of classes without an example
    assert "recall 0.0%" not in told or results.headline.score.interval.value < 1


def test_a_digest_knows_a_picture_in_any_type() -> None:
    grays = np.random.default_rng(0).integers(0, 256, (3, 9, 7), dtype=np.uint8)
    floats = grays.astype(np.float32) / 255
    assert digests(grays).tolist() == digests(floats).tolist() == digests(list(floats)).tolist()
    assert digests(grays[:, :7, :7]).tolist() != digests(grays[:, 1:8, :7]).tolist()
    turned = digests(grays.reshape(3, 7, 9))
    assert turned.tolist() != digests(grays).tolist()
