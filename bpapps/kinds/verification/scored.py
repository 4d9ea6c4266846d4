"""Pictures of writers with the scores of their pairs, which trials are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.kinds.verification.trials import Trials, pair_trials, reference_trials

TOGETHER = "mean and max"
"""How the scores with several references become one: a name of those in ``trials.COMBINE``."""


@dataclass(frozen=True)
class Scored:
    """Signatures and the scores (n, n) of their pairs; NaN where a pair was not scored."""

    scores: NDArray[np.float64]
    owners: NDArray[np.str_]
    genuine: NDArray[np.bool_]

    def trials(self, k: int = 1, **options: Any) -> Trials:
        """Trials with k references, as ``PairClassifier`` scores them; of one all pairs.

        ``options`` are those of :func:`bpapps.kinds.verification.trials.reference_trials`.
        """
        given = (self.scores, self.owners, self.genuine)
        if k == 1 and not options:
            return pair_trials(*given)
        options = {"combine": TOGETHER, "centred": True, **options}
        return reference_trials(*given, k, **options)

    @property
    def fewest(self) -> int:
        """Genuine pictures of the writer who has the fewest."""
        return int(np.unique(self.owners[self.genuine], return_counts=True)[1].min())

    @property
    def against(self) -> str:
        """The kind of forgery that thresholds are chosen against."""
        return "random" if self.genuine.all() else "skilled"
