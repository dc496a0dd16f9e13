"""Where frames come from: one file a kind, named by its URI scheme."""

import inspect
from typing import Any, cast

from stream import rooms
from stream.errors import UnknownPart, UsageError
from stream.sources.base import Source


def open_source(uri: str, **options: Any) -> Source:
    """Prepare a source by its URI; it is opened when the `with` begins.

    Args:
        uri: `SCHEME://...`, the scheme being a file of this folder or, for its secure kind, that and an s
            (`rtsps`); anything without a scheme is the path of a video file.
        options: what the source's `build` takes: `realtime`, `timeout_s`, and `fps` where pictures may have no
            times; one that is None counts as not given.

    Raises:
        UnknownPart: no such scheme; lists those there are.
        UsageError: the source takes no such option, or cannot be what is meant.
        MissingDependency: the source needs a package that is not installed.
        SourceError: there is nothing to read at `uri`.
    """
    build = rooms.find("sources", scheme(uri)).build
    given = {name: value for name, value in options.items() if value is not None}
    if "fps" in given and "fps" not in inspect.signature(build).parameters:
        raise UsageError(f"fps is {given['fps']:g}; accepted: none, as a {scheme(uri)} source has times of its own")
    return cast(Source, build(uri, **given))


def scheme(uri: str) -> str:
    """Return the name of the part that reads `uri`; `file` for a plain path.

    Raises:
        UnknownPart: `uri` is a URL of another scheme.
    """
    name, separator, _ = uri.partition("://")
    if not separator:
        return "file"
    known, name = rooms.names("sources"), name.lower()
    if name not in known and name.removesuffix("s") in known:
        return name.removesuffix("s")
    if name not in known:
        raise UnknownPart("source", name, known)
    return name
