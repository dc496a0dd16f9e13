"""Which stream a line of the log is about: said once where a stream begins, known wherever its work is done."""

import contextvars
from collections.abc import Callable
from typing import ParamSpec, TypeVar

STREAM: contextvars.ContextVar[str | None] = contextvars.ContextVar("stream", default=None)
"""Number of a client's stream, or name of a configured source; None for what is about neither."""

SOURCE, DECODE, SINK = ({"stage": stage} for stage in ("source", "decode", "sink"))
"""What a line of the log is given as `extra` that is about one of the seven stages of a frame."""

P = ParamSpec("P")
T = TypeVar("T")


def kept(work: Callable[P, T]) -> Callable[P, T]:
    """Return `work` for another thread, there about the same stream as here."""
    context = contextvars.copy_context()
    return lambda *args, **kwargs: context.run(work, *args, **kwargs)
