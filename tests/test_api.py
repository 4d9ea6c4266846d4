"""The page on the public interface: what it names is there, and answers hold what it says."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tools import call

import bpapps.core
import bpapps.estimators
from bpapps import kinds

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
SAMPLES = ROOT / "samples"
REFERENCES = sorted(SAMPLES.glob("signature-reference-*.png"))
ASKED = {
    "digits": [SAMPLES / "digit.png"],
    "characters": [SAMPLES / "line.png"],
    "signatures": [SAMPLES / "signature-genuine.png", "--reference", *REFERENCES],
}


def resolved(dotted: str) -> Any:
    """What a dotted name stands for: a module, or something in one."""
    try:
        return importlib.import_module(dotted)
    except ModuleNotFoundError:
        module, _, name = dotted.rpartition(".")
        return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("dotted", sorted(set(re.findall(r"`(bpapps(?:\.\w+)+)`", PAGE))))
def test_what_is_named_can_be_imported(dotted: str) -> None:
    assert resolved(dotted) is not None


@pytest.mark.parametrize("module", [bpapps.core, bpapps.estimators], ids=lambda m: m.__name__)
def test_all_that_a_package_exports_is_named(module: Any) -> None:
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert set(module.__all__) <= named


def test_no_layer_is_named_that_is_not_there() -> None:
    table = PAGE.partition("| layers of weights")[2].partition("**`bpapps.estimators`**")[0]
    assert set(re.findall(r"`(\w+)`", table)) == set(bpapps.core.__all__)


@pytest.mark.parametrize("task", ASKED)
def test_an_answer_holds_what_the_page_says(task: str) -> None:
    answer = call("predict", task, *ASKED[task], "--json")
    (told,) = json.loads(answer.out)
    section = PAGE.partition(f"### {task}\n")[2].partition("\n#")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(told)


def test_results_hold_what_the_page_says() -> None:
    results = kinds.load_results(ROOT / "reports" / "digits" / "results.json")
    section = PAGE.partition("## What `results.json` holds\n")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert named == list(json.loads(results.to_json()))
