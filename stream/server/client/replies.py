"""A call's replies, read in a thread of their own: after Ctrl-C amid its own read gRPC's call cannot be read again."""

from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import grpc

from stream import threads
from stream.v1 import recognition_pb2 as pb


class Replies(Iterator[pb.RecognizeResponse]):
    """Gives the replies of a call, and then its end, as often as it is asked for; who waits here can be interrupted.

    Not more than the frames that are out, and what comes between them, can wait to be taken.
    """

    def __init__(self, call: Any) -> None:
        self._read: SimpleQueue[pb.RecognizeResponse | Exception] = SimpleQueue()
        threads.start("replies", lambda: self._take(call), has_second_life=False)

    def __next__(self) -> pb.RecognizeResponse:
        """Wait for the next reply.

        Raises:
            StopIteration: the server has ended the call.
            grpc.RpcError: it was lost, or is cancelled.
        """
        found = self._read.get()
        if isinstance(found, Exception):
            self._read.put(found)
            raise found
        return found

    def _take(self, call: Any) -> None:
        try:
            for reply in call:
                self._read.put(reply)
        except grpc.RpcError as error:
            self._read.put(error)
        else:
            self._read.put(StopIteration())
