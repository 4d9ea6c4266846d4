"""How far what was read is from what was written."""

from __future__ import annotations

import numpy as np


def edit_distance(truth: str, read: str) -> int:
    """The fewest characters to insert, delete or replace to turn one into the other."""
    row = np.arange(len(read) + 1)
    letters = np.array(list(read), dtype="<U1")
    places = np.arange(len(read) + 1)
    for i, character in enumerate(truth, start=1):
        new = np.minimum(row[1:] + 1, row[:-1] + (letters != character))
        # Inserting is a running minimum, once each place's own distance is taken off.
        row = np.minimum.accumulate(np.concatenate([[i], new]) - places) + places
    return int(row[-1])
