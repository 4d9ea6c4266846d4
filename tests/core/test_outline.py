"""A network in lines: what is inside a layer stands below it."""

from __future__ import annotations

from typing import Any

import pytest

from bpapps.core import (
    Average,
    Beside,
    Branches,
    Chain,
    Dense,
    Each,
    Flatten,
    Pairs,
    ReLU,
    Residual,
    outline,
)

DENSE = Dense(2, "he_normal")


class Own:
    """A layer of the user's, no dataclass."""

    def init(self, in_shape: Any, rng: Any) -> Any: ...

    def __repr__(self) -> str:
        return "Own"


OUTLINES: list[tuple[Any, list[str]]] = [
    (DENSE, [str(DENSE)]),
    (Chain(), []),
    (Chain(ReLU(), Chain(DENSE, Chain(ReLU()))), ["ReLU()", str(DENSE), "ReLU()"]),
    (Each(DENSE, 4), ["Each(at_once=4)", f"  {DENSE}"]),
    (
        Chain(Each(Chain(ReLU(), Each(Chain(DENSE, ReLU())))), Average()),
        [
            "Each(at_once=None)",
            "  ReLU()",
            "  Each(at_once=None)",
            f"    {DENSE}",
            "    ReLU()",
            "Average()",
        ],
    ),
    (Residual(ReLU()), ["Residual(shortcut=None)", "  ReLU()"]),
    (
        Beside(Chain(Flatten(), DENSE), ReLU(), 3),
        ["Beside(extra=3)", "  inner:", "    Flatten()", f"    {DENSE}", "  other:", "    ReLU()"],
    ),
    (
        Branches([DENSE, Chain(ReLU(), DENSE)], split=True),
        [
            "Branches(split=True)",
            "  branch 1:",
            f"    {DENSE}",
            "  branch 2:",
            "    ReLU()",
            f"    {DENSE}",
        ],
    ),
    (
        Branches([Chain(DENSE), Chain(DENSE)]),
        ["Branches(split=False)", "  each of 2:", f"    {DENSE}"],
    ),
    (Pairs([(0, 1), (1, 2)]), ["Pairs(pairs=((0, 1), (1, 2)))"]),
    (Pairs([(0, i) for i in range(1, 31)]), ["Pairs(pairs: 30)"]),
    (Each(Own()), ["Each(at_once=None)", "  Own"]),
]


@pytest.mark.parametrize(("layer", "lines"), OUTLINES, ids=[repr(one[0])[:30] for one in OUTLINES])
def test_a_line_for_each_layer(layer: Any, lines: list[str]) -> None:
    assert outline(layer) == lines
