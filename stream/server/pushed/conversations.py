"""The streams that clients push: each from its configuration to its end.

The event loop reads, writes and counts; workers do the rest. At most one frame of a stream is with them at a time, so a
stream has at most one place in their queue, where the oldest deadline comes first (`turns.py`).
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from stream.config import SessionSettings
from stream.errors import Overrun
from stream.pipeline import Session
from stream.recogniser import Recogniser
from stream.server.access.admission import Limits
from stream.server.access.clients import Client
from stream.server.access.leash import Ended
from stream.server.models import Models
from stream.server.operations.metrics import Metrics
from stream.server.operations.named import STREAM, kept
from stream.server.pushed.allowance import Allowance
from stream.server.pushed.answers import Answers
from stream.server.pushed.ears import Ears
from stream.server.pushed.epochs import Epochs
from stream.server.pushed.film import Film
from stream.server.pushed.pace import Pace
from stream.server.pushed.seal import Seal
from stream.server.pushed.waiting import Leaving, Waiting
from stream.server.turns import Turns
from stream.server.wire import heard, told
from stream.server.wire.heard import Incoming, Opening
from stream.v1 import recognition_pb2 as pb

AROUND_BYTES = 64 * 1024
"""Bytes: what else a message with a checkpoint may hold."""

_log = logging.getLogger(__name__)


class Conversations:
    """Those of one server."""

    def __init__(
        self, workers: Turns, limits: Limits, models: Models, metrics: Metrics, ears: Ears, seal: Seal
    ) -> None:
        """Begin with none."""
        self._workers, self._limits, self._models = workers, limits, models
        self._metrics, self._ears, self._seal = metrics, ears, seal
        self._epochs, self._allowance = Epochs(), Allowance(limits.max_decode_bytes)
        self._open: set[Waiting] = set()
        self._leaving: Leaving | None = None

    def leave(self, grace_s: float) -> None:
        """Tell every client that the server goes away in `grace_s`."""
        self._leaving = Leaving(grace_s)
        for waiting in self._open:
            waiting.leave(self._leaving)

    async def hold(self, context: Any, client: Client, stream_id: str) -> None:
        """Hold one, from its first message on; `stream_id` is its name, unless it has one already."""
        async with self._ears.listening(context) as hear:
            opening = heard.opening(await hear(), stream_id)
        if opening.epoch > 1:
            _log.info("stream %s goes on with %s, epoch %d", stream_id, opening.stream_id, opening.epoch)
        STREAM.set(opening.stream_id)
        async with self._epochs.held(client.name, opening.stream_id, opening.epoch):
            answers, policy = await self._begin(context, opening, self._seal.of(client.name if client.digest else ""))
            del opening  # with a checkpoint it is as large as a message can be
            await self._converse(context, answers, policy)

    async def _begin(self, context: Any, opening: Opening, seal: Seal) -> tuple[Answers, str]:
        """Configure; return the session, and what happens to frames that come too fast."""
        config = opening.config
        recogniser, policy = self._models.find(config.model), heard.policy(config)
        settings, max_age_s = heard.settings(config, len(recogniser.labels)), heard.max_age_s(config)
        if policy == "latest":
            max_age_s = min(max_age_s, self._limits.max_age_s)
        answers = await self._work(self._begun, recogniser, settings, max_age_s, opening, seal)
        understood = told.filled(recogniser.card, settings, policy, max_age_s)
        if answers.checkpoint_frames:
            understood.checkpoint_frames = answers.checkpoint_frames
        await context.write(told.configured(recogniser, understood, opening))
        return answers, policy

    async def _converse(self, context: Any, answers: Answers, policy: str) -> None:
        """Answer frames while others are read."""
        waiting = Waiting(policy, self._limits)
        reader = asyncio.create_task(self._read(context, waiting, Pace(self._limits.max_fps, policy)))
        self._open.add(waiting)
        if self._leaving:
            waiting.leave(self._leaving)
        try:
            with self._allowance.holding(answers.film):
                await self._answer(context, answers, waiting)
        finally:
            self._open.discard(waiting)
            reader.cancel()

    def _begun(
        self, recogniser: Recogniser, settings: SessionSettings, max_age_s: float, opening: Opening, seal: Seal
    ) -> Answers:
        """Begin a session, from a checkpoint if there is one; find out whether it can be resumed in its turn."""
        stopwatch = self._metrics.stopwatch(recogniser, id=opening.stream_id)
        every = heard.checkpoint_frames(opening.config)
        session = Session(recogniser.runtime, settings, stopwatch)
        if opening.checkpoint:
            session.restore(seal.take(opening.checkpoint))
        answers = Answers(session, self._metrics, stopwatch, self._limits.max_pixels, max_age_s)
        if video := heard.video(opening.config):
            answers.film = Film(video, self._limits.max_pixels, self._allowance)
        if every and len(session.checkpoint()) + AROUND_BYTES <= self._limits.max_message_bytes:
            answers.checkpoint_frames, answers.seal = every, seal
        return answers

    async def _read(self, context: Any, waiting: Waiting, pace: Pace) -> None:
        """Let frames wait until there are no more; what went wrong waits behind them."""
        try:
            async with self._ears.listening(context) as hear:
                while message := await hear():
                    frame = heard.incoming(message, time.monotonic_ns())
                    await waiting.put(frame)
                    await pace.take(frame)
        except Exception as error:
            waiting.close(error)
        else:
            waiting.close()

    async def _answer(self, context: Any, answers: Answers, waiting: Waiting) -> None:
        """Answer every frame in turn, and say what the end of the stream ends."""
        end: Ended | Overrun | None = None
        try:
            while next_one := await waiting.get():
                for reply in await self._replies(answers, next_one, waiting.is_behind):
                    await context.write(reply)
                answers.sent()
            for reply in await self._work(answers.flush):
                await context.write(reply)
            answers.sent()
        except (Ended, Overrun) as error:
            end = error
        await context.write(await self._work(answers.finish))
        if end:
            raise end

    async def _replies(
        self, answers: Answers, next_one: Incoming | Leaving, is_behind: bool
    ) -> Sequence[pb.RecognizeResponse]:
        if isinstance(next_one, Leaving):
            return [await self._work(answers.go_away, next_one.grace_s)]
        if not next_one.is_packet and (refusal := answers.refuse(next_one)):
            return [refusal]
        work = (answers.play, next_one, is_behind) if next_one.is_packet else (answers.use, next_one)
        found: Sequence[pb.RecognizeResponse] = await self._work(*work, due_s=answers.due_s(next_one))
        return found

    async def _work(self, work: Any, *arguments: Any, due_s: float | None = None) -> Any:
        """Have a worker do it when its turn comes; what is not a frame is due at once."""
        due_s = time.monotonic() if due_s is None else due_s
        return await asyncio.wrap_future(self._workers.submit_by(due_s, kept(work), *arguments))
