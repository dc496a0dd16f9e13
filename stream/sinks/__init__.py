"""Where updates go: one file a kind."""

from typing import Any, cast

from stream import rooms
from stream.sinks.base import Sink


def open_sink(name: str, target: str, **options: Any) -> Sink:
    """Prepare a sink by its name; it is opened when the `with` begins.

    Args:
        name: a file of this folder.
        target: where it writes: a path, or "-" for stdout.
        options: what the sink's `build` takes besides.

    Raises:
        UnknownPart: no such sink; lists those there are.
        MissingDependency: it needs a package that is not installed.
        UsageError: it cannot write there.
    """
    return cast(Sink, rooms.find("sinks", name).build(target, **options))
