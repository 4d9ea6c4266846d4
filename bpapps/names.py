"""Names that a user types: a wrong one gets the nearest right one suggested."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UnknownNameError(ValueError):
    """A task, data set, preset or setting that is not known; the nearest is suggested."""


def nearest(name: str, known: Iterable[str], kind: str) -> str:
    """The name itself where it is known; else UnknownNameError, which suggests the nearest."""
    known = list(known)
    if name in known:
        return name
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are: {', '.join(known)}"
    raise UnknownNameError(f"unknown {kind} {name!r}; {hint}")
