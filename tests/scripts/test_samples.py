"""The sample pictures: small, drawn by the script, and read rightly by the shipped models."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tools import call

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
REFERENCES = sorted(SAMPLES.glob("signature-reference-*.png"))

ANSWERS = {
    "digit": (["digits", SAMPLES / "digit.png"], r"digit\.png: 7 \((99|100)\."),
    "line": (["characters", SAMPLES / "line.png"], r"line\.png: ERRORS TEACH \("),
    "genuine": (
        ["signatures", SAMPLES / "signature-genuine.png", "--reference", *REFERENCES],
        r"genuine\.png: consistent with",
    ),
    "forged": (
        ["signatures", SAMPLES / "signature-forged.png", "--reference", *REFERENCES],
        r"forged\.png: not consistent with",
    ),
}


@pytest.mark.parametrize(("arguments", "says"), ANSWERS.values(), ids=ANSWERS)
def test_the_shipped_models_answer_rightly(arguments: list[object], says: str) -> None:
    answer = call("predict", *arguments)
    assert answer.code == 0, answer.err
    assert re.search(says, answer.out)
    assert "unsure" not in answer.out


def test_every_sample_is_answered() -> None:
    asked = {path for arguments, _ in ANSWERS.values() for path in arguments[1:]}
    assert set(SAMPLES.iterdir()) == asked - {"--reference"}


@pytest.mark.slow  # and so not asked of the oldest libraries, which draw one picture a row higher
def test_the_samples_are_those_the_script_draws(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, ROOT / "scripts" / "draw_samples.py", tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True,
    )  # fmt: skip
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in SAMPLES.iterdir()}
    for path in SAMPLES.iterdir():
        shipped, drawn = (np.asarray(Image.open(p), int) for p in (path, tmp_path / path.name))
        assert shipped.shape == drawn.shape
        # On another processor a gray value may be rounded to the level beside it.
        assert (np.abs(shipped - drawn) > 0).mean() < 0.01, path.name


def test_the_samples_are_small() -> None:
    assert all(path.stat().st_size < 30_000 for path in SAMPLES.iterdir())
