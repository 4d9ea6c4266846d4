"""Fonts, which the tests of characters share."""

from __future__ import annotations

import pytest
from tasks.characters.fonts_here import matplotlibs

from bpapps.tasks.characters.fonts import Font, fonts


@pytest.fixture(scope="module")
def own() -> list[Font]:
    """The fonts that come with matplotlib, which are there on every machine."""
    return fonts(matplotlibs())
