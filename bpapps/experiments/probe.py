"""What is put through an experiment: pictures, who answers them, and how good answers are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bpapps.pictures.noise import MAX_SEVERITY
from bpapps.results import Figure

Progress = Callable[[int, int, str], None]
"""``progress(done, total, text)``, called after each measurement."""


def silent(done: int, total: int, text: str) -> None:
    """Report no progress."""


def the_first(answers: Any) -> int:
    """The place of the picture that is shown, whatever the answers."""
    return 0


def no_figures(answers: Any) -> Sequence[Figure]:
    """Say nothing of the answers: of a probe for the clock alone."""
    return ()


@dataclass(frozen=True)
class Probe:
    """Pictures that can be spoilt and timed, who answers them, and how good answers are.

    Args:
        title: what is done to what: "Recognition", "Whole lines".
        pictures: float32 pictures (n, h, w) in [0, 1], a list of (h, w) each where they differ in
            size, or what else ``ask`` takes where there are no corruptions.
        ask: pictures -> answers; this is what is timed.
        score: answers -> figures, the first of which is THE score.
        corruptions: names of those that leave the truth true; None for all of them.
        severities: how strongly they are spoilt, beside not at all.
        shown: answers to clean pictures -> the place of the one that is shown as a sample.
        of: what one answer is to, "picture" or "pair"; "" for a probe that is not timed.
        repeats: how often the clock asks all of the pictures.
    """

    title: str
    pictures: Any
    ask: Callable[[Any], Any]
    score: Callable[[Any], Sequence[Figure]] = no_figures
    corruptions: Sequence[str] | None = None
    severities: Sequence[int] = range(1, MAX_SEVERITY + 1)
    shown: Callable[[Any], int] = the_first
    of: str = ""
    repeats: int = 5
