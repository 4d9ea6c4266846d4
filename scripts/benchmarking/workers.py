"""A process for each contestant: told by a ``Worker`` what to make and when to run."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarking import machine
from benchmarking.contestants import Contestant, Ours, Torch, contestant, random_pictures, samples
from benchmarking.works import MLP, Block, Variant, Work


class WorkError(Exception):
    """A worker could not do what it was told to."""


class Worker:
    """The near end of a worker: ``ask`` orders something and waits for the answer."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._orders, far_end = context.Pipe()
        self._process = context.Process(target=serve, args=(far_end,))
        self._process.start()
        far_end.close()

    def ask(self, order: str, *arguments: Any) -> Any:
        """The answer to an order; WorkError with one line if it failed."""
        try:
            self._orders.send((order, arguments))
            done, answer = self._orders.recv()
        except (EOFError, OSError):
            raise WorkError("a worker's process ended, perhaps for want of memory") from None
        if not done:
            raise WorkError(answer)
        return answer

    def close(self) -> None:
        """End the process, also while it works."""
        self._orders.close()
        self._process.join(timeout=1)  # it ends by itself unless it is at work
        self._process.terminate()
        self._process.join()


# ------------------------------------------------------------------ in the process


class Orders:
    """What a worker does when it is told to: each method is an order."""

    def __init__(self) -> None:
        self.contestant: Contestant | None = None

    def make(
        self,
        who: str,
        work: Work,
        block: Block,
        data_dir: Path | None,
        threads: int | None = None,
        way: Any = None,
    ) -> None:
        """Make a contestant, in place of the one before."""
        self.contestant = None
        data = samples(work.net, data_dir)
        self.contestant = contestant(who, work, data, block, threads, way)

    def time(self) -> float:
        """Run a block from its start; the seconds that it took."""
        assert self.contestant
        self.contestant.start()
        return machine.seconds_of(self.contestant.run)

    def loss(self) -> float:
        """The loss after the last block."""
        assert self.contestant
        return self.contestant.loss()

    def peak(self, who: str, n: int) -> float:
        """Peak memory after an epoch of the first MLP on n pictures; for a fresh process."""
        data, block = random_pictures(n), Block(n, 1)
        if who == "torch":
            net: Contestant = Torch(MLP, data, block, None, Variant(fused=True), False)
        else:
            net = Ours(MLP, data, block, None)
        net.start()
        net.run()
        return machine.peak_memory()

    sgemm = staticmethod(machine.sgemm)
    environment = staticmethod(machine.environment)
    torch_versions = staticmethod(machine.torch_versions)


def serve(orders: Connection) -> None:
    """Carry out orders, (method, arguments), until the other end is closed.

    The answer is (True, its value), or (False, what went wrong in one line).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever gives the orders ends it
    worker = Orders()
    with contextlib.suppress(EOFError, OSError):
        while True:
            order, arguments = orders.recv()
            try:
                answer = True, getattr(worker, order)(*arguments)
            except Exception as error:
                lines = str(error).strip().splitlines() or [""]
                answer = False, f"{type(error).__name__}: {lines[0]}"
            orders.send(answer)
