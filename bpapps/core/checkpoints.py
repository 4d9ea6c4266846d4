"""Checkpoints: a training that was killed goes on where its last one was written."""

from __future__ import annotations

import re
import time
import zlib
from dataclasses import asdict
from math import inf
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpapps.core.draws import take
from bpapps.core.layers import Layer
from bpapps.core.params import Params
from bpapps.core.plan import Plan
from bpapps.core.progress import Progress
from bpapps.core.storage import read_tensors, write_tensors

CHECKPOINT_SECONDS = 5.0
"""A checkpoint is written after an epoch when the last one is at least this old."""


class Checkpoint:
    """A training's file, if it has one.

    Args:
        path: of the file; None: nothing is resumed from, and nothing written.
        arrays: what to write, and to fill when resuming, by name.
        network, params, plan, data: what tells the training from others.
    """

    def __init__(
        self,
        path: Path | None,
        arrays: dict[str, NDArray],
        network: Layer,
        params: Params,
        plan: Plan,
        *data: NDArray | None,
    ) -> None:
        self._path = path
        self._arrays = arrays
        self._fingerprint = "" if path is None else _fingerprint(network, params, plan, *data)
        self._written = -inf

    def resume(self) -> Progress:
        """Fill the arrays from the file, where there is one; how far the training had come.

        Raises:
            ValueError: the file is damaged, or of another training.
        """
        if self._path is None or not self._path.exists():
            return Progress()
        tensors, metadata = read_tensors(self._path)
        if metadata.get("fingerprint") != self._fingerprint:
            raise ValueError(
                f"{self._path}: this checkpoint is of a training with another net, plan or data; "
                f"delete it to start anew"
            )
        for name, array in self._arrays.items():
            array[...] = tensors[name]
        return Progress(**metadata["progress"])

    def write_when_due(self, progress: Progress) -> None:
        """Write the arrays as they are, unless the last time is not long ago."""
        if self._path is None or time.monotonic() - self._written < CHECKPOINT_SECONDS:
            return
        metadata = {"fingerprint": self._fingerprint, "progress": asdict(progress)}
        write_tensors(self._path, self._arrays, metadata)
        self._written = time.monotonic()


def _fingerprint(network: Layer, params: Params, plan: Plan, *data: NDArray | None) -> str:
    """Tells one training from another: the net, the plan, and a sample of the data."""
    checksum = 0
    for part in data:
        if part is not None:
            some = np.arange(0, part.shape[0], max(1, part.shape[0] // 256))
            checksum = zlib.crc32(take(part, some).tobytes(), checksum)
    shapes = [None if part is None else (part.shape, str(part.dtype)) for part in data]
    text = f"{network!r} {params.shapes} {params.vector.dtype} {plan!r} {shapes} {checksum}"
    return re.sub(r" at 0x[0-9a-f]+", "", text)  # a function's address differs by process
