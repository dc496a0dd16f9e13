"""A client that keeps to HTTP/2 and to nothing else: takes nothing, says nothing, breaks off."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

GRPC = (("content-type", "application/grpc"), ("te", "trailers"))


class Stranger:
    """One connection; answers settings and pings in a thread, as a client does, and takes nothing else."""

    def __init__(self, address: str, window: int | None = None) -> None:
        """Connect; `window` is how many bytes each answer may have that nobody took yet."""
        host, _, port = address.rpartition(":")
        self.address, self._socket = address, socket.create_connection((host, int(port)), 10)
        self._lock, self.resets, self.is_closed = threading.Lock(), 0, False
        self.headers: dict[int, Mapping[str, str]] = {}
        self._line = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        if window is not None:
            wanted = {h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window}
            self._line.local_settings = h2.settings.Settings(client=True, initial_values=wanted)
        self._line.initiate_connection()
        self._flush()
        threading.Thread(target=self._answer, daemon=True).start()

    def call(self, method: str, message: bytes | None = b"", *, ends: bool = True, token: str = "") -> int:
        """Begin a call; None says nothing, and half-closes nothing."""
        with self._lock:
            stream = self._line.get_next_available_stream_id()
            more = (("authorization", f"Bearer {token}"),) if token else ()
            names = ((":method", "POST"), (":scheme", "http"), (":path", method), (":authority", self.address))
            self._line.send_headers(stream, [*names, *GRPC, *more])
            if message is not None:
                data = b"\0" + len(message).to_bytes(4, "big") + message
                self._line.send_data(stream, data, end_stream=ends)
            self._flush()
        return stream

    def call_and_reset(self, method: str, count: int) -> None:
        """Begin calls and break each off."""
        with self._lock:
            for _ in range(count):
                stream = self._line.get_next_available_stream_id()
                names = ((":method", "POST"), (":scheme", "http"), (":path", method), (":authority", self.address))
                self._line.send_headers(stream, [*names, *GRPC])
                self._line.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
            self._flush()

    def close(self) -> None:
        """Leave."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _flush(self) -> None:
        if data := self._line.data_to_send():
            self._socket.sendall(data)

    def _answer(self) -> None:
        try:
            while data := self._socket.recv(65536):
                with self._lock:
                    for event in self._line.receive_data(data):
                        if isinstance(event, h2.events.StreamReset):
                            self.resets += 1
                        if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
                            known = self.headers.get(event.stream_id, {})
                            self.headers[event.stream_id] = {**known, **dict(event.headers)}
                    self._flush()
        except (OSError, h2.exceptions.ProtocolError):
            pass
        self.is_closed = True


@contextmanager
def stranger(address: str, window: int | None = None) -> Iterator[Stranger]:
    """Have a stranger connect, and leave at the end."""
    made = Stranger(address, window)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def silent(address: str, count: int, source: str = "") -> Iterator[list[socket.socket]]:
    """Open connections, from another address of this machine if that is wished, and say nothing on them."""
    host, _, port = address.rpartition(":")
    made: list[socket.socket] = []
    try:
        for _ in range(count):
            made.append(socket.create_connection((host, int(port)), 10, (source, 0) if source else None))
        yield made
    finally:
        for one in made:
            one.close()


def is_open(line: socket.socket) -> bool:
    """Say whether the other end has left a connection open."""
    line.setblocking(False)
    try:
        while data := line.recv(65536):
            del data
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
