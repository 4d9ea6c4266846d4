"""What a picture is known again by: a digest of its content."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpapps.pictures.arrays import as_pictures


def digests(pictures: Any) -> NDArray[np.uint64]:
    """A digest, (n,), of each picture: its shape and its grays as bytes, 0 to 255.

    Equal pictures have one digest, whatever type they are kept in; two others are taken for
    equal once in 2⁶⁴ times.

    pictures: whatever :func:`bpapps.pictures.arrays.as_pictures` takes.
    """
    found = [_digest(picture) for picture in as_pictures(pictures)]
    return np.frombuffer(b"".join(found), dtype=np.uint64)


def _digest(picture: NDArray[np.float32]) -> bytes:
    grays = np.rint(255 * picture).astype(np.uint8)
    return hashlib.blake2b(repr(grays.shape).encode() + grays.tobytes(), digest_size=8).digest()
