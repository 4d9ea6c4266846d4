"""From what the reader thinks of every run of pieces to the likeliest line.

First the runs that are characters are chosen, by the best path over all ways to part the pieces
(Bellman). Of several ways to see a line, the one counts whose characters are also of kinds that go
together: ``tWO mOON`` is hardly meant. Then each character's probabilities are weighed with its
neighbours': within a word, digits, capitals and small letters keep to their own kind more often
than not, which is all there is to tell an ``I`` from an ``l``, or an ``O`` from a ``0``, where a
font draws them alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Span = tuple[int, int]  # from this piece, up to but not including that one

LOOKALIKES = ("0Oo", "1Il", "Cc", "Kk", "Pp", "Ss", "Uu", "Vv", "Ww", "Xx", "Zz")
"""Characters that some fonts draw alike but for their size: doubt between them is no doubt about
where a character begins and ends."""

# A character's kind: digit, capital that begins a word, other capital, small letter.
_START = np.log([1 / 3, 1 / 3, 1e-9, 1 / 3])
_FOLLOWS = np.log(
    [
        [0.85, 1e-9, 0.10, 0.05],  # after a digit
        [0.10, 1e-9, 0.30, 0.60],  # after the first capital
        [0.12, 1e-9, 0.82, 0.06],  # after another capital
        [0.04, 1e-9, 0.04, 0.92],  # after a small letter
    ]
)
_CHARACTERS_OF = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1.0]])


def best_runs(scores: Mapping[Span, float], part: NDArray[np.float64]) -> tuple[list[Span], float]:
    """The runs that cover all pieces in order and together score highest; and their score.

    scores: of each run that may be a character. part (n - 1,): the cost of beginning a character
    after each piece.
    """
    n = len(part) + 1
    best = np.full(n + 1, -np.inf)
    best[0] = 0.0
    before = np.zeros(n + 1, dtype=int)
    for (start, end), score in sorted(scores.items(), key=lambda item: item[0][1]):
        total = best[start] + score - (part[start - 1] if start else 0.0)
        if total > best[end]:
            best[end], before[end] = total, start
    runs, end = [], n
    while end > 0:
        runs.append((int(before[end]), end))
        end = int(before[end])
    return runs[::-1], float(best[n])


def certainty(probabilities: NDArray, classes: Sequence[str]) -> NDArray[np.float64]:
    """Log-probability of each run's likeliest character, or group of lookalikes, (n,)."""
    group = {c: i for i, alike in enumerate(LOOKALIKES) for c in alike}
    names = [group.get(str(c), -1 - i) for i, c in enumerate(classes)]
    numbers = np.unique(names, return_inverse=True)[1]
    merged = probabilities @ np.eye(numbers.max() + 1)[numbers]
    return np.log(np.maximum(merged.max(axis=1), 1e-9))


def agreement(
    probabilities: NDArray, classes: Sequence[str], first: Sequence[bool] | NDArray[np.bool_]
) -> float:
    """How well the kinds of the characters (n, classes) go together: a log-probability.

    It is of the likeliest kinds, by the chain of :func:`weigh`; a character whose own kind
    does not fit costs what it is less likely of another.
    """
    of = np.array([_kind(str(c)) for c in classes])
    best = [probabilities[:, of == k].max(axis=1, initial=1e-9) for k in range(3)]
    likely = np.stack(best, axis=1) / np.max(best, axis=0)[:, None]
    chain = np.zeros(len(_START))
    for row, begins in zip(np.log(np.maximum(likely, 1e-4)), first, strict=True):
        before = chain.max() + _START if begins else (chain[:, None] + _FOLLOWS).max(axis=0)
        chain = before + _CHARACTERS_OF @ row
    return float(chain.max())


def weigh(
    probabilities: NDArray, classes: Sequence[str], first: Sequence[bool] | NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Probabilities (n, classes) given the neighbours' in their word.

    first (n,): whether a character begins a word. A hidden Markov chain over the kinds, forward
    and backward.
    """
    of = np.array([_kind(str(c)) for c in classes])
    sums = np.stack([probabilities[:, of == k].sum(axis=1) for k in range(3)], axis=1)
    seen = np.log(np.maximum(sums, 1e-12)) @ _CHARACTERS_OF.T
    n = len(seen)
    ahead, back = np.zeros_like(seen), np.zeros_like(seen)
    for i in range(n):
        before = _START if first[i] else _sum(ahead[i - 1][:, None] + _FOLLOWS, axis=0)
        ahead[i] = before + seen[i]
    for i in range(n - 2, -1, -1):
        if not first[i + 1]:
            back[i] = _sum(_FOLLOWS + (seen[i + 1] + back[i + 1])[None], axis=1)
    belief = ahead + back - seen
    belief -= belief.max(axis=1, keepdims=True)
    weight = np.exp(belief) @ _CHARACTERS_OF
    weighed = np.maximum(probabilities, 1e-12) * weight[:, of]
    return weighed / weighed.sum(axis=1, keepdims=True)


def _kind(character: str) -> int:
    return 0 if character.isdigit() else 1 if character.isupper() else 2


def _sum(logs: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    return np.logaddexp.reduce(logs, axis=axis)
