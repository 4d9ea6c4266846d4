"""Fixtures that several test files share."""

from __future__ import annotations

from pathlib import Path

import pytest
import tools


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on scikit-learn's digits, by a net that reads most of them rightly."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    answer = tools.call("train", "digits", "--set=max_iter=8", "--out", folder)
    assert answer.code == 0, answer.err
    return folder
