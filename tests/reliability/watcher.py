"""Watches one configured source in a thread of its own, and keeps what was said and when."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc

from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.server.live import Server, wait_for

BRISK = """stall_s = 1.5
timeout_s = 3
max_pause_s = 2
max_gap_s = 2
begin_threshold = 0.3
end_threshold = 0.1
min_duration_s = 0
"""
"""Settings with which a fault shows soon."""


class Watcher:
    """A client of `Watch`."""

    def __init__(self, server: Server, source: str = "door") -> None:
        self._channel = grpc.insecure_channel(server.address)
        self._stub = rpc.RecognitionServiceStub(self._channel)
        self._call = self._stub.Watch(pb.WatchRequest(source=source))
        self._source = source
        self.said: list[tuple[float, pb.WatchResponse]] = []
        self.error: grpc.RpcError | None = None
        self._thread = threading.Thread(target=self._take, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call.cancel()
        self._thread.join(5)
        self._channel.close()

    def _take(self) -> None:
        try:
            for said in self._call:
                self.said.append((time.monotonic(), said))
        except grpc.RpcError as error:
            self.error = error

    def standing(self) -> pb.SourceStatus:
        """Ask how the source is."""
        sources = self._stub.ListSources(pb.ListSourcesRequest(), timeout=10).sources
        return next(one for one in sources if one.name == self._source)

    def wait(self, truth: Callable[[pb.WatchResponse], bool], since_s: float = 0.0, limit_s: float = 30.0) -> float:
        """Return when, since `since_s`, something was first said for which it is true."""
        found: list[float] = []

        def is_said() -> bool:
            found.extend(at_s for at_s, said in list(self.said) if at_s >= since_s and truth(said))
            return bool(found)

        wait_for(is_said, limit_s)
        return found[0] - since_s

    def updates(self) -> list[pb.Update]:
        """Return what frames gave so far."""
        return [said.update for _, said in list(self.said) if said.HasField("update")]


def is_update(said: pb.WatchResponse) -> bool:
    return said.HasField("update")


def is_gap(said: pb.WatchResponse) -> bool:
    return said.HasField("gap")


def becomes(state: "pb.SourceState.ValueType") -> Callable[[pb.WatchResponse], bool]:
    return lambda said: state in (said.status.state, said.watching.status.state)


def configure(folder: Path, text: str) -> tuple[str, str]:
    """Write a stream.toml; return the flags that name it."""
    (folder / "stream.toml").write_text(text)
    return "--config", str(folder / "stream.toml")


def door(uri: str, more: str = "") -> str:
    """Return a stream.toml with one source."""
    return f'[source.door]\nuri = "{uri}"\n{BRISK}{more}'
