"""Whose frame is next: the oldest deadline's; nobody who sends too much takes from others what is theirs."""

import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from stream.server.turns import Deadlines, Turns

FPS = 10.0


@pytest.fixture
def turns() -> Iterator[Turns]:
    with Turns(1) as made:
        yield made


def hold(turns: Turns) -> threading.Event:
    """Keep the one worker busy until the event is set, so that what comes meanwhile waits in the queue."""
    free, busy = threading.Event(), threading.Event()
    turns.submit_by(0.0, lambda: (busy.set(), free.wait(10)))
    assert busy.wait(10)
    return free


def test_the_oldest_deadline_is_first_whoever_came_first(turns: Turns) -> None:
    free, done = hold(turns), list[str]()
    jobs = [turns.submit_by(due_s, done.append, name) for due_s, name in ((30, "c"), (10, "a"), (20, "b"), (10, "a2"))]
    free.set()
    for job in jobs:
        job.result(10)
    assert done == ["a", "a2", "b", "c"]


def test_a_frame_is_due_an_interval_after_it_came_and_an_even_stream_keeps_its_rate() -> None:
    deadlines = Deadlines(FPS)
    assert deadlines.next(100.0, 100.0) == pytest.approx(100.1)
    assert deadlines.next(100.1, 100.1) == pytest.approx(100.2)
    assert deadlines.next(105.0, 105.0) == pytest.approx(105.1), "what it did not use it has not saved"


def test_a_stream_that_sends_too_fast_is_due_later_but_not_for_ever() -> None:
    deadlines = Deadlines(FPS)
    due = [deadlines.next(100.0, 100.0) for _ in range(50)]
    assert due[:3] == pytest.approx([100.1, 100.2, 100.2])
    assert max(due) == pytest.approx(100.2)


def test_too_many_streams_share_evenly_with_one_that_never_stops_sending() -> None:
    """A simulation on its own clock: a step takes 20 ms, so 5 streams of 10 fps are all that can be."""
    live, step_s, now_s = 8, 0.02, 0.0
    deadlines = {name: Deadlines(FPS) for name in range(live + 1)}  # the last one is a file that is read at once
    waiting, used, next_s = dict[int, float](), Counter[int](), {name: name * 0.01 for name in range(live)}
    while now_s < 20.0:
        for name, at_s in next_s.items():
            if at_s <= now_s:
                waiting.setdefault(name, deadlines[name].next(at_s, now_s))  # one that waits is not replaced
                next_s[name] = at_s + 1 / FPS
        waiting.setdefault(live, deadlines[live].next(0.0, now_s))  # all of it came at the beginning
        name = min(waiting, key=lambda one: (waiting[one], one))
        del waiting[name]
        used[name] += 1
        now_s += step_s
    fair = 20.0 / step_s / (live + 1)
    assert min(used[name] for name in range(live)) > 0.85 * fair
    assert used[live] < 1.5 * fair


def test_an_error_goes_to_who_waits_and_the_worker_goes_on(turns: Turns) -> None:
    with pytest.raises(ZeroDivisionError):
        turns.submit(lambda: 1 // 0).result(10)
    assert turns.submit(lambda: 7).result(10) == 7


def test_streams_are_worked_on_at_once() -> None:
    both = threading.Barrier(2)
    with Turns(2) as turns:
        for job in [turns.submit(both.wait, 10) for _ in range(2)]:
            job.result(10)


def test_what_waits_is_done_before_the_workers_go_home_or_cancelled_when_it_is_to_be() -> None:
    turns = Turns(1)
    free, done = hold(turns), list[int]()
    turns.submit(done.append, 1)
    threading.Timer(0.05, free.set).start()
    turns.shutdown()
    assert done == [1]
    with pytest.raises(RuntimeError, match="gone home"):
        turns.submit(done.append, 2)
    hurried = Turns(1)
    free = hold(hurried)
    waiting = hurried.submit(done.append, 3)
    hurried.shutdown(wait=False, cancel_futures=True)
    free.set()
    assert waiting.cancelled()
    assert done == [1]


def test_a_job_that_was_given_up_is_not_done(turns: Turns) -> None:
    free, done = hold(turns), list[float]()
    job = turns.submit(done.append, time.monotonic())
    assert job.cancel()
    free.set()
    turns.submit(lambda: None).result(10)
    assert done == []
