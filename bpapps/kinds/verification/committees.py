"""Several trained pair classifiers as one: its scores are the means of theirs.

Nets that differ in nothing but their seed make different mistakes, and their mean makes fewer
(Hansen and Salamon, "Neural network ensembles", 1990). The committee is an ordinary net, whose
branches are the members, so it is stored, measured and trained further like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpapps.core import Branches, Chain, Each, Params
from bpapps.kinds.verification.pairs import PairClassifier


def committee(
    members: Sequence[PairClassifier], X: ArrayLike, y: ArrayLike, genuine: ArrayLike | None = None
) -> PairClassifier:
    """One pair classifier of several that have the same layers.

    Args:
        members: fitted ones, all for pictures of one shape; two at least.
        X, y, genuine: pictures, writers and flags of development data, as for
            :meth:`PairClassifier.fit`: thresholds are chosen anew.

    Returns:
        A fitted one, with the parameters of the first, but for ``layers`` and ``comparison``.

    Raises:
        ValueError: fewer than two members, other layers or shapes, bad data.
    """
    first = members[0] if members else None
    forms = {(repr(member.network_), member.input_shape_) for member in members}
    if first is None or len(members) < 2 or len(forms) > 1:
        raise ValueError("a committee takes two members at least, all with the same layers")
    embeddings, comparisons = ([_inner(member, place) for member in members] for place in (0, 2))
    joined = PairClassifier(**first.get_params(deep=False)).set_params(
        layers=[Branches(embeddings)],
        comparison=[Branches([Chain(*list(one)[:-1]) for one in comparisons], split=True)],
        checkpoint=None,
    )
    joined._start(np.zeros((1, *first.input_shape_), first.params_.vector.dtype))
    last = str(len(list(comparisons[0])) - 1)
    _fill(joined.params_, [member.params_ for member in members], last)
    joined.n_features_in_ = first.n_features_in_
    joined.scales_ = joined._scales(*joined._checked(X, y, genuine, reset=False))
    return joined


def _inner(member: PairClassifier, place: int) -> Chain:
    each = member.network_.layers[place]
    assert isinstance(each, Each)
    assert isinstance(each.inner, Chain)
    return each.inner


def _fill(joined: Params, members: Sequence[Params], last: str) -> None:
    """Copy each member's numbers to its branch; the output layers become one, their mean."""
    own = dict(joined.items())
    for i, member in enumerate(members):
        for name, values in member.items():
            place, _, rest = name.split(".", 2)
            if not (place == "2" and rest.startswith(f"{last}.")):
                own[f"{place}.inner.0.{i}.{rest}"][...] = values
    outputs: list[dict[str, NDArray[Any]]] = [dict(member.items()) for member in members]
    weights, biases = ([one[f"2.inner.{last}.{a}"] for one in outputs] for a in "Wb")
    own["2.inner.1.W"][...] = np.concatenate(weights) / len(members)
    own["2.inner.1.b"][...] = np.mean(biases, axis=0)
