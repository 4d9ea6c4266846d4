"""Short runs to explain, read back from their pages, and what works their numbers out anew."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from bpapps.core import Chain, Params
from bpapps.explain import PROBLEMS, measure
from bpapps.explain.net import Net
from bpapps.explain.problems import Problem

RUNS = [(name, recurrent) for name in PROBLEMS for recurrent in (False, True)]
AS_SHIPPED = {"BATCHES": measure.BATCHES, "WEIGHTS": measure.WEIGHTS}
SHORT = {"iterations": 12, "recurrent_iterations": 12}
STEP = 1e-5


def title(case: tuple[str, bool]) -> str:
    return case[0] + ("-recurrent" if case[1] else "")


@dataclasses.dataclass(frozen=True)
class Explained:
    """A short run, and what it takes to work its numbers out anew."""

    records: dict[str, Any]
    page: Path
    problem: Problem
    network: Chain
    params: Params

    @property
    def net(self) -> Net:
        return Net(self.records)

    def samples(self) -> Iterator[tuple[int, NDArray, NDArray]]:
        for i, row in enumerate(self.problem.shown.values()):
            yield i, self.problem.X[[row]], self.problem.y[[row]]

    def loss(self, vector: NDArray, x: NDArray, y: NDArray) -> float:
        """By the core, with these weights."""
        return self.problem.loss(self.network(Params(vector, self.params.shapes), x)[0], y)[0]

    def slope(self, place: int, x: NDArray, y: NDArray) -> float:
        """Of the loss along one weight, by central differences."""
        moved = [self.params.vector.copy() for _ in range(2)]
        moved[0][place] += STEP
        moved[1][place] -= STEP
        return (self.loss(moved[0], x, y) - self.loss(moved[1], x, y)) / (2 * STEP)


def shortened(make: Callable[[], Problem]) -> Callable[[], Problem]:
    return lambda: dataclasses.replace(make(), **SHORT)


def embedded(page: Path) -> Any:
    found = re.search(
        r'<script type="application/json" id="records">(.*?)</script>',
        page.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert found
    return json.loads(found[1])


every_run = pytest.mark.parametrize(
    "explained",
    [
        pytest.param(case, id=title(case), marks=[] if case[0] == "xor" else [pytest.mark.slow])
        for case in RUNS
    ],
    indirect=True,
)
both_xor = pytest.mark.parametrize("explained", RUNS[:2], ids=title, indirect=True)
