"""Every error this package raises.

StreamError
  UsageError (ValueError)         the caller can fix it        -> INVALID_ARGUMENT, exit 2
    UnknownPart (LookupError)     no such source, model, ...   -> NOT_FOUND
  MissingDependency (ImportError) carries the pip command      -> UNIMPLEMENTED
    NotBuilt                      a compiled part is not there -> UNIMPLEMENTED
  SourceError (OSError)           frames stopped coming        -> UNAVAILABLE, exit 1
    SourceTimeout (TimeoutError)  nothing came for N seconds   -> UNAVAILABLE
    SourceRefused (PermissionError) it wants another login     -> UNAVAILABLE
    CutShort                      less came than it claims     -> DATA_LOSS, exit 3
    Unusable                      not one frame could be used  -> UNAVAILABLE
    DecodeError (ValueError)      a picture could not be read  -> INVALID_ARGUMENT (sent to us), DATA_LOSS (camera)
  Overrun                         too fast, none may be lost   -> RESOURCE_EXHAUSTED, exit 1
  CheckpointError (ValueError)    nothing can go on from it    -> FAILED_PRECONDITION
  ServiceError (ConnectionError)  the server ended the stream  -> exit 1
  OutputError (OSError)           nothing can be written now   -> UNAVAILABLE
  DownloadError (ConnectionError) a file cannot be fetched     -> exit 1
  ModelError                      card, weights, hash          -> FAILED_PRECONDITION
    ShapeError (ValueError)       both shapes in the message   -> INVALID_ARGUMENT
  ExportError                     the graph cannot be made     -> (command line only)
    ParityError                   largest difference and tolerance in the message
"""

from collections.abc import Iterable

from stream.words import listed, meant, shown


class StreamError(Exception):
    """The root: catch this to catch everything of ours."""


class UsageError(StreamError, ValueError):
    """The caller can fix it; the message names what was found and what is accepted."""


class UnknownPart(UsageError, LookupError):
    """There is no source, model, engine or label of that name; the message names the nearest, and the known ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str], advice: str = "") -> None:
        end, names = f"; {advice}" if advice else "", list(known)
        near = "" if advice else meant(name, names)
        super().__init__(f"no {kind} named {shown(name)}; {near}known: {listed(names) or 'none'}{end}")


class MissingDependency(StreamError, ImportError):
    """A package that this part needs is not installed; the message carries the pip command."""

    def __init__(self, part: str, package: str, extra: str) -> None:
        super().__init__(f"{part} needs the package {package!r}: pip install 'movinet-stream[{extra}]'")


class NotBuilt(MissingDependency):
    """A compiled part of this package is not there; the message says what helps."""

    def __init__(self, part: str, why: str, remedy: str) -> None:
        ImportError.__init__(self, f"{part} cannot run: {why}; {remedy}")


class SourceError(StreamError, OSError):
    """Frames cannot be had, or stopped coming."""


class SourceTimeout(SourceError, TimeoutError):
    """Nothing came for longer than the source's limit."""


class SourceRefused(SourceError, PermissionError):
    """The source wants another login; asking again soon may lock it."""


class CutShort(SourceError):
    """A film ended before the length that it claims; what came has been given."""


class Unusable(SourceError):
    """A source came to its end, and not one of its frames could be used; the message says why."""


class DecodeError(SourceError, ValueError):
    """A picture could not be read."""


class Overrun(StreamError):
    """Frames came faster than they could be used for longer than the queue lasts, and none may be lost."""


class CheckpointError(StreamError, ValueError):
    """What a stream remembered is of another model or other settings, damaged, or not signed by this server."""


class ServiceError(StreamError, ConnectionError):
    """The server refused or ended the stream; the message carries its status and words."""


class OutputError(StreamError, OSError):
    """What was told of a source cannot be written or sent now; it is tried again."""


class DownloadError(StreamError, ConnectionError):
    """A file cannot be fetched, or is not the one that was meant; the message says how to bring it by hand."""

    def __init__(self, words: str, advice: str = "") -> None:
        super().__init__(f"{words}; {advice}" if advice else words)
        self.words = words
        """What happened, without what to do: for who tries another address."""


class ModelError(StreamError):
    """A card, its weights or their hash are not what they should be."""


class ShapeError(ModelError, ValueError):
    """An array does not fit the card; the message says both shapes."""


class ExportError(StreamError):
    """The model cannot leave in this format."""


class ParityError(ExportError):
    """The exported model does not agree with the reference."""

    def __init__(self, what: str, difference: float, tolerance: float) -> None:
        super().__init__(f"{what}: largest difference {difference:.3g}, tolerance {tolerance:.3g}")
