"""What a process can tell of the machine: its sgemm rate, its memory, versions."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

SGEMM = ((1024, 1024, 1024), (2048, 2048, 2048), (1024, 4096, 1024), (4096, 1024, 512))


def sgemm() -> dict[str, float]:
    """Operations a second of products of two float32 matrices, by their shape; the best of 3."""
    rates = {}
    for m, k, n in SGEMM:
        a, b = np.ones((m, k), np.float32), np.ones((k, n), np.float32)
        out = np.empty((m, n), np.float32)
        seconds = min(seconds_of(partial(np.matmul, a, b, out=out)) for _ in range(3))
        rates[f"{m}×{k}×{n}"] = 2 * m * k * n / seconds
    return rates


def seconds_of(work: Callable[[], Any]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_memory() -> float:
    """The most memory that this process has held, in MB.

    Where there is Linux's own account, that one: ``ru_maxrss`` of a process that was started by
    a larger one is the larger one's.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource
    import sys

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def environment() -> dict[str, Any]:
    """What the report says of versions and machine, with the kernels that BLAS has chosen."""
    from threadpoolctl import threadpool_info

    from bpapps.made import environment as known

    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    found = known()
    kernels = sorted({library.get("architecture") or "unknown" for library in blas})
    found["machine"]["blas_architecture"] = ", ".join(kernels)
    with suppress(metadata.PackageNotFoundError):
        found["versions"]["numba"] = metadata.version("numba")
    found["machine"]["blas_threads"] = max((x["num_threads"] for x in blas), default=None)
    return found


def torch_versions() -> dict[str, Any]:
    """PyTorch's version and the instructions that it was chosen to use."""
    import torch

    return {"torch": torch.__version__, "cpu": torch.backends.cpu.get_cpu_capability()}
