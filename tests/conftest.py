"""Fixtures that several test files share, and which tests are slow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import browser
import pytest
import tools


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what -m does not ask for
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is long is slow as well, and so is what a browser shows."""
    for item in items:
        if item.get_closest_marker("long") or "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def chromium() -> Iterator[browser.Browser]:
    """A browser, in which each test opens tabs of its own."""
    with browser.browser() as running:
        yield running


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on scikit-learn's digits, by a net that reads most of them rightly."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    answer = tools.call("train", "digits", "--set=max_iter=8", "--out", folder)
    assert answer.code == 0, answer.err
    return folder
