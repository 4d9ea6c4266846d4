"""Text files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write(path: Path, text: str) -> Path:
    """Write to a temporary name beside it and rename, so that no half file is ever seen.

    Raises OSError where that cannot be; then the file is as it was, and none is beside it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()  # there is one only if the writing failed
    return path
