"""Threads that die are noticed, counted, told and begun again; and there is no other way to run one."""

import ast
import asyncio
import threading
from pathlib import Path

import pytest

from stream import threads
from tests.server.live import wait_for

ROOT = Path(threads.__file__).parent
BARE = {"Thread", "Timer", "start_new_thread", "to_thread", "run_in_executor"}
"""What makes a thread of its own accord, or has one done something that nobody watches."""
OTHERWISE = {"threads.py", "training/fit.py", "training/probe/trunk.py"}
"""The one place; and two pools of training, of which every result is asked for."""


def test_nothing_else_makes_a_thread() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in ROOT.rglob("*.py")
        if path.relative_to(ROOT).as_posix() not in OTHERWISE
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and _called(node.func) in {*BARE, "ThreadPoolExecutor"}
    ]
    assert not found, f"{found}: a thread is run with stream.threads.start, so that its death is noticed"


def _called(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_a_thread_that_dies_is_said_counted_and_begun_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(threads, "AGAIN_S", 0.05)
    lives, well, leave = [], threading.Event(), threading.Event()

    def work() -> None:
        lives.append(1)
        if len(lives) < 3:
            raise ValueError("s3cret words of a stranger")
        well.set()
        leave.wait(20)

    thread = threads.start("a test's", work)
    assert well.wait(20)
    assert threads.BOARD.deaths()["a test's"] == 2
    assert "a test's" in threads.BOARD.failing(), "it has not lived long since"
    leave.set()
    thread.join(20)
    wait_for(lambda: "a test's" not in threads.BOARD.failing())
    assert 'the thread "a test\'s" died (ValueError in threads.py' in caplog.text
    assert "s3cret" not in caplog.text


def test_one_without_a_second_life_stays_dead_and_is_told() -> None:
    def work() -> None:
        raise OSError

    threads.start("another test's", work, has_second_life=False).join(20)
    assert threads.BOARD.deaths()["another test's"] == 1
    assert "another test's" in threads.BOARD.failing()
    threads.BOARD.ended("another test's")


def test_what_is_done_aside_gives_its_result_or_raises_its_error() -> None:
    async def check() -> None:
        assert await threads.aside("a sum", lambda: 1 + 1) == 2
        with pytest.raises(ZeroDivisionError):
            await threads.aside("none", lambda: 1 // 0)

    asyncio.run(check())
