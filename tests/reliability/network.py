"""A bad network on loopback: bytes pass slowly, stop for a while, or the line is cut."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Network:
    """A relay before a server, whose behaviour can be changed at any time."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self.bytes_per_s = float("inf")
        """What passes in each direction of a connection."""
        self.is_stopped = False
        """Nothing passes, nobody is told."""
        self.address = ""
        self._lines = set[asyncio.StreamWriter]()
        self._loop = asyncio.new_event_loop()

    def cut(self) -> None:
        """Reset every connection."""
        self._loop.call_soon_threadsafe(lambda: [line.transport.abort() for line in self._lines])

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        self._lines |= {writer, back}
        with suppress(OSError):
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
        self._lines -= {writer, back}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1460):
                await asyncio.sleep(len(data) / self.bytes_per_s)
                while self.is_stopped:
                    await asyncio.sleep(0.01)
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    async def _serve(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0, limit=8192)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"


@contextmanager
def network(target: str) -> Iterator[Network]:
    """Put a network before HOST:PORT."""
    found = Network(target)
    found._loop.run_until_complete(found._serve())
    thread = threading.Thread(target=found._loop.run_forever)
    thread.start()
    try:
        yield found
    finally:
        found.cut()
        found._loop.call_soon_threadsafe(found._loop.stop)
        thread.join()
        found._server.close()
        for task in asyncio.all_tasks(found._loop):
            task.cancel()
            with suppress(asyncio.CancelledError, OSError):
                found._loop.run_until_complete(task)
        found._loop.run_until_complete(found._loop.shutdown_asyncgens())
        found._loop.close()
