"""How figures were made: the command, the date, the seed, the versions and the machine."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any


def made(command: str, seed: int, seconds: float) -> dict[str, Any]:
    """Return what the report says of its making: ``Results.made``, with the date in UTC."""
    return {
        "command": command,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": seconds,
        "seed": seed,
        **environment(),
    }


def environment() -> dict[str, Any]:
    """Return the versions and the machine that figures depend on, as text and numbers."""
    from bpapps import __version__

    versions = {"bpapps": __version__, "python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in ("numpy", "scipy", "scikit-learn")}
    machine = {
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "blas": _blas(),
    }
    return {"versions": versions, "machine": machine}


def _processor() -> str:
    """Return the processor's name; Linux tells it only in a file."""
    if sys.platform == "linux":
        try:
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _blas() -> str:
    """Return the linear algebra library that NumPy has loaded, and its version."""
    from threadpoolctl import threadpool_info

    found = {
        f"{library['internal_api']} {library['version'] or ''}".strip()
        for library in threadpool_info()
        if library["user_api"] == "blas"
    }
    return ", ".join(sorted(found)) or "unknown"
