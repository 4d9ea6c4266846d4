"""The shipped models answer as they did: labels exactly, probabilities within 1e-5.

``shipped.json`` was written once, from the models' own answers, and changes with the models only.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from bpapps import models

SAMPLES = Path(__file__).parents[2] / "samples"
EXPECTED: dict[str, Any] = json.loads((Path(__file__).parent / "shipped.json").read_text())
ROWS = {"digits": slice(0, 40), "characters": slice(40, 60)}


@pytest.mark.parametrize("task", ROWS)
def test_classes_and_their_probabilities(task: str) -> None:
    pictures = (load_digits().images[ROWS[task]] / 16).astype(np.float32)
    found = models.find(task).predict_proba(pictures)
    expected = np.array(EXPECTED[task])
    assert found.argmax(axis=1).tolist() == expected.argmax(axis=1).tolist()
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_scores_and_verdicts_with_references(k: int) -> None:
    step, net = models.find("signatures").pipeline
    names = ("genuine", "forged", "reference-1", "reference-2", "reference-3")
    rows = step.transform([str(SAMPLES / f"signature-{name}.png") for name in names])
    scores = net.score_samples(rows[:2], rows[2 : 2 + k])
    assert (scores >= net.threshold(k).value).tolist() == [True, False]
    np.testing.assert_allclose(scores, EXPECTED["signatures"][k - 1], atol=1e-3)
    assert net.threshold(k).value == EXPECTED["thresholds"][k - 1]
