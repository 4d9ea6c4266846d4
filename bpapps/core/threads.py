"""Threads that share out work: a team of them, and BLAS on one thread meanwhile.

NumPy releases the interpreter lock in its inner loops and in BLAS, so threads are enough. BLAS
is held to one thread while a team is at work, or the two would fight over the cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import count
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

import numpy as np

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Slices = list[slice]


def cut(n: int, size: int) -> Slices:
    """Slices of at most ``size`` that cover 0 … n."""
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def quiet() -> np.errstate:
    """No warnings of overflow: a training that diverges is told by its loss."""
    return np.errstate(over="ignore", invalid="ignore")


class Team:
    """The calling thread and some helpers, to map a function over items.

    The caller works too, so that little is lost where there is little to do: beside
    ``concurrent.futures``, where it waits for two others to wake, two short tasks took half the
    time.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._helpers = [Thread(target=self._help, daemon=True) for _ in range(threads - 1)]
        for helper in self._helpers:
            helper.start()

    def map(self, work: Callable[[Item], Answer], items: Sequence[Item]) -> list[Answer]:
        """The answers in the order of the items; raises what ``work`` raised first in it."""
        if self.threads == 1 or len(items) == 1:
            return [work(item) for item in items]
        job = _Job(work, items)
        for _ in range(min(self.threads, len(items)) - 1):
            self._jobs.put(job)
        job.take_part()
        return job.answers()

    def dismiss(self) -> None:
        """Let the helpers go."""
        for _ in self._helpers:
            self._jobs.put(None)

    def _help(self) -> None:
        with quiet():
            while (job := self._jobs.get()) is not None:
                job.take_part()


class _Job:
    """Items to be worked on, each by whoever comes first."""

    def __init__(self, work: Callable, items: Sequence) -> None:
        self._work, self._items = work, items
        self._next = count().__next__  # one step of the interpreter: no two get the same number
        self._answers: list[Any] = [None] * len(items)
        self._failures: dict[int, BaseException] = {}
        self._done: SimpleQueue[None] = SimpleQueue()

    def take_part(self) -> None:
        while (i := self._next()) < len(self._items):
            try:
                self._answers[i] = self._work(self._items[i])
            except BaseException as error:
                self._failures[i] = error
            self._done.put(None)

    def answers(self) -> list:
        for _ in self._items:
            self._done.get()
        if self._failures:
            raise self._failures[min(self._failures)]
        return self._answers


@contextmanager
def team(threads: int) -> Iterator[Team]:
    """A team of so many threads, with BLAS held to one thread."""
    with _one_blas_thread, quiet():
        members = Team(threads)
        try:
            yield members
        finally:
            members.dismiss()


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas").lib_controllers


def default_threads() -> int:
    """The threads that BLAS would take."""
    with _one_blas_thread.lock:
        counts = _one_blas_thread.before or [library.num_threads for library in _blas()]
    return max(counts, default=1)


class _OneBlasThread:
    """Holds BLAS to one thread while anyone is inside; the last one out restores it.

    BLAS has one setting for the whole process, so entries from several threads must not each
    save and restore it.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.before: list[int] = []
        self._inside = 0

    def __enter__(self) -> None:
        with self.lock:
            if self._inside == 0:
                self.before = [library.num_threads for library in _blas()]
                _set_blas_threads([1] * len(self.before))
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self._inside -= 1
            if self._inside == 0:
                _set_blas_threads(self.before)
                self.before = []


def _set_blas_threads(counts: list[int]) -> None:
    for library, threads in zip(_blas(), counts, strict=True):
        # Else whichever thread set it first, say while training, keeps the say as long as it lives.
        release = getattr(library, "clear_controlling_thread", lambda force: None)
        release(force=True)
        library.set_num_threads(threads)
        release(force=True)


_one_blas_thread = _OneBlasThread()
