"""A server in a process of its own, and what it says and costs."""

import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from stream import threads
from stream.bench.footprint import Footprint, footprint
from stream.errors import ServiceError

STAGES = ("decode", "preprocess", "step", "smooth")
"""What the server times of a frame, in this order."""
PATIENCE_S = 20.0
"""Seconds that a server has to end, or to answer over HTTP."""


@dataclass(frozen=True, slots=True)
class Stages:
    """The server's own account of its frames."""

    seconds: dict[str, float] = field(default_factory=dict)
    """Stage -> seconds spent in it, all frames together."""
    count: int = 0
    """Frames that were stepped."""

    def since(self, before: "Stages") -> dict[str, float]:
        """Return the mean milliseconds of each stage, of the frames since then."""
        count = max(1, self.count - before.count)
        return {name: 1e3 * (spent - before.seconds.get(name, 0.0)) / count for name, spent in self.seconds.items()}


@dataclass(frozen=True, slots=True)
class Serving:
    """A server to be measured."""

    address: str
    """HOST:PORT of gRPC."""
    http: str = ""
    """HOST:PORT of its metrics; empty: unknown."""
    process_id: int | None = None
    """Of a server on this machine that we began."""

    def stages(self) -> Stages:
        """Ask what it spent on its frames; nothing where its metrics are not known.

        Raises:
            ServiceError: it does not answer there.
        """
        if not self.http:
            return Stages()
        sums, count = dict.fromkeys(STAGES, 0.0), 0
        for name, stage, value in self._samples():
            if stage in sums and name.endswith("_sum"):
                sums[stage] = value
            if stage == "step" and name.endswith("_count"):
                count = int(value)
        return Stages(sums, count)

    def footprint(self) -> Footprint | None:
        """Look at its process; None where it is not ours."""
        return footprint(self.process_id) if self.process_id is not None else None

    def _samples(self) -> Iterator[tuple[str, str, float]]:
        url = f"http://{self.http}/metrics"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:  # the scheme is ours
                text = answer.read().decode("utf-8")
        except OSError as error:
            raise ServiceError(f"{url} does not answer: {error}") from error
        for family in text_string_to_metric_families(text):
            if family.name == "stream_stage_seconds":
                yield from ((one.name, one.labels.get("stage", ""), one.value) for one in family.samples)


@contextmanager
def running(flags: Sequence[str], streams: int) -> Iterator[Serving]:
    """Start `stream-serve` on free ports of loopback; end it afterwards.

    Args:
        flags: further ones, such as `--model` and `--runtime`.
        streams: count of streams it lets in.

    Raises:
        ServiceError: it did not start; says its last words.
    """
    limits = ("--max-streams", str(streams), "--max-streams-per-client", str(streams))
    command = [sys.executable, "-m", "stream.cli.serve", "--port", "0", "--http-port", "0", "--quiet", *limits, *flags]
    process = subprocess.Popen(  # noqa: S603  # our own program
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is ours: it ends when we have stopped asking
    )
    _leave_on_sigterm()
    said: list[str] = []
    assert process.stdout and process.stderr  # noqa: S101  # they are pipes
    listener = threads.start("listen to stream-serve", lambda: said.extend(process.stderr or ()), has_second_life=False)
    try:
        address, http = (process.stdout.readline().rpartition(" ")[2].strip() for _ in range(2))
        if not address:
            listener.join(PATIENCE_S)
            raise ServiceError(f"the server did not start: {said[-1].strip() if said else 'it said nothing'}")
        yield Serving(address, http.removeprefix("http://"), process.pid)
    finally:
        _end(process)
        listener.join(PATIENCE_S)
        process.stdout.close()
        process.stderr.close()


def _leave_on_sigterm() -> None:
    """End as after Ctrl-C, so that no server is left behind; where a thread other than the main one asks, as ever."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _end(process: subprocess.Popen[str]) -> None:
    """End it as an operator would, at once where that takes too long."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
