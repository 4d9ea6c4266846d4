"""How the process gives memory back: for programs to change, never for a library's calls.

It holds for all of the process, which may be somebody's web server.
"""

from __future__ import annotations

import os
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's malloc.h


@cache
def keep_freed_memory() -> None:
    """Let glibc keep what was freed for the next step, as its own rule would after a while.

    Else each array of more than 128 KB is fetched from the system and given back again, and
    every page of it costs a fault: half of the time of a small convolutional net's step. The
    sizes are the largest that glibc's own rule comes to. Other systems are left as they are.
    """
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 32 << 20)
        mallopt(_TRIM_THRESHOLD, 64 << 20)
