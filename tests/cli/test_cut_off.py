"""Commands cut off: the same one goes on, to the same bits."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import tools
from cli.cases import INTERRUPTED

from bpapps import models, runs
from bpapps.core.storage import read_tensors

LONG = [*tools.TINY[:3], "--set=max_iter=250", "--seed=3", "--n-jobs=1"]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert tools.call("train", "digits", *LONG, "--out", folder).code == 0
    return folder


@pytest.mark.long
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, INTERRUPTED), (signal.SIGKILL, -signal.SIGKILL)],
    ids=["Ctrl-C", "killed"],
)
def test_a_training_cut_off_goes_on_to_the_same_bits(
    number: int, code: int, uninterrupted: Path, tmp_path: Path
) -> None:
    command = ["train", "digits", *LONG, "--out", "run"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = tools.start(*command, cwd=tmp_path)  # which would inherit that it is ignored
    signal.signal(signal.SIGINT, before)
    await_file(tmp_path / "run" / "log.txt", process.poll)  # written after the checkpoint
    os.kill(process.pid, number)
    answer = tools.finish(process)
    assert answer.code == code
    assert answer.out == ""
    assert sorted(tools.contents(tmp_path / "run")) == [runs.CHECKPOINT, "config.json", "log.txt"]
    if number == signal.SIGINT:
        told = "interrupted; the same command goes on from run/checkpoint.safetensors"
        assert answer.err.splitlines() == [told]

    answer = tools.run(*command, cwd=tmp_path)
    assert answer.code == 0
    assert answer.err.splitlines() == ["going on from run/checkpoint.safetensors"]
    assert not (tmp_path / "run" / runs.CHECKPOINT).exists()
    ours, whole = (
        read_tensors(folder / models.FILE_NAME)[0] for folder in (tmp_path / "run", uninterrupted)
    )
    assert ours.keys() == whole.keys()
    assert all(ours[name].tobytes() == whole[name].tobytes() for name in whole)


def await_file(path: Path, ended: Callable[[], int | None]) -> None:
    deadline = time.monotonic() + 240
    while not path.exists():
        assert ended() is None, "it ended before it could be cut off"
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_an_interrupted_report_goes_on_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while it is measured: what was trained is kept."""
    command = ["report", "digits", *tools.TINY, "--out", tmp_path / "report"]

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runs, "measure", interrupt)
        answer = tools.call(*command)
    kept = tmp_path / "report" / runs.CHECKPOINT
    assert (answer.code, answer.out) == (INTERRUPTED, "")
    assert answer.errors == [f"interrupted; the same command goes on from {kept}"]
    assert kept.exists()


def test_ctrl_c_in_any_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "find", interrupt)
    answer = tools.call("evaluate", "digits")
    assert (answer.code, answer.out, answer.err) == (INTERRUPTED, "", "interrupted\n")
