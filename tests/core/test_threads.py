"""A team of threads: answers in order, failures told, BLAS held to one thread and let go again."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from bpapps.core.threads import cut, default_threads, team


def blas_threads() -> set[int]:
    return {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("items", [0, 1, 2, 25])
def test_answers_come_in_the_order_of_the_items(threads: int, items: int) -> None:
    def late(i: int) -> int:
        time.sleep(0.001 * (items - i) / 25)
        return i * i

    with team(threads) as members:
        for _ in range(3):
            assert members.map(late, range(items)) == [i * i for i in range(items)]


def test_the_caller_and_its_helpers_all_work() -> None:
    together = threading.Barrier(3, timeout=10)
    with team(3) as members:
        names = members.map(lambda _: (together.wait(), threading.current_thread())[1], range(3))
    assert len(set(names)) == 3
    assert threading.current_thread() in names


def test_the_first_failure_is_raised_and_the_team_goes_on() -> None:
    def fail(i: int) -> int:
        if i in (3, 5):
            raise KeyError(i)
        return i

    for threads in (1, 2):
        with team(threads) as members:
            with pytest.raises(KeyError, match="3"):
                members.map(fail, range(8))
            assert members.map(fail, range(3)) == [0, 1, 2]


def test_helpers_leave_when_the_team_is_dismissed() -> None:
    together = threading.Barrier(4, timeout=10)
    with team(4) as members:
        threads = members.map(lambda _: (together.wait(), threading.current_thread())[1], range(4))
    for helper in {*threads} - {threading.current_thread()}:
        helper.join(timeout=10)
        assert not helper.is_alive()


def test_blas_has_one_thread_inside_and_its_own_after() -> None:
    with threadpool_limits(2, user_api="blas"):
        assert blas_threads() == {2}
        with team(2):
            assert blas_threads() == {1}
            assert default_threads() == 2  # what BLAS would take otherwise
        with pytest.raises(ZeroDivisionError), team(1):
            raise ZeroDivisionError
        assert blas_threads() == {2}


def test_teams_side_by_side_restore_blas_once_the_last_is_done() -> None:
    def work(i: int) -> None:
        with team(1 + i % 2) as members:
            members.map(time.sleep, [0.001] * 3)
            assert blas_threads() == {1}

    with threadpool_limits(2, user_api="blas"):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(40)))
        assert blas_threads() == {2}


def test_helpers_do_not_warn_of_overflow() -> None:
    huge = np.full(4, 3e38, np.float32)
    together = threading.Barrier(2, timeout=10)
    with team(2) as members:
        members.map(lambda _: (together.wait(), huge * huge), range(2))


@pytest.mark.parametrize("n", [0, 1, 6, 7])
def test_cut_covers_everything_once(n: int) -> None:
    assert [i for part in cut(n, 3) for i in range(part.start, part.stop)] == list(range(n))
