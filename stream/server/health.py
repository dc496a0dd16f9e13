"""grpc.health.v1: whether streams are taken. Setting it never waits, and what a watcher does not take ends its call.

The servicer that comes with grpcio-health-checking writes to watchers while it holds the lock that setting a status
needs, so that one watcher who takes nothing keeps a server from becoming ready and from ending.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
NAME = "grpc.health.v1.Health"
WRITE_S = 10.0
"""Seconds that a watcher has to take a status."""


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Answers for some services, all of which are as the server is. Lives on one event loop."""

    def __init__(self, services: Iterable[str]) -> None:
        """Begin with none serving; the empty name stands for the whole server."""
        self._services, self._status = frozenset(services), NOT_SERVING
        self._watchers: set[asyncio.Event] = set()

    def say(self, status: Any) -> None:
        """Change the status, and have every watcher told."""
        self._status = status
        for changed in self._watchers:
            changed.set()

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Say how a service is now."""
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return health_pb2.HealthCheckResponse(status=self._status)

    async def Watch(self, request: Any, context: Any) -> None:  # noqa: N802
        """Say how a service is, now and whenever that changes."""
        is_known, said, changed = request.service in self._services, None, asyncio.Event()
        del request
        self._watchers.add(changed)
        try:
            while True:
                changed.clear()
                now = self._status if is_known else UNKNOWN
                if now != said:
                    async with asyncio.timeout(WRITE_S):
                        await context.write(health_pb2.HealthCheckResponse(status=now))
                    said = now
                await changed.wait()
        except TimeoutError:
            return
        finally:
            self._watchers.discard(changed)
