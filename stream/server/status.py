"""What each of our errors is called on the wire: one table."""

from grpc import StatusCode

from stream import errors
from stream.errors import StreamError

CODES: dict[type[StreamError], StatusCode] = {
    errors.StreamError: StatusCode.INTERNAL,
    errors.UsageError: StatusCode.INVALID_ARGUMENT,
    errors.UnknownPart: StatusCode.NOT_FOUND,
    errors.MissingDependency: StatusCode.UNIMPLEMENTED,
    errors.NotBuilt: StatusCode.UNIMPLEMENTED,
    errors.SourceError: StatusCode.UNAVAILABLE,
    errors.SourceTimeout: StatusCode.UNAVAILABLE,
    errors.SourceRefused: StatusCode.UNAVAILABLE,
    errors.DecodeError: StatusCode.INVALID_ARGUMENT,  # pictures are sent to us; a camera's would be DATA_LOSS
    errors.Overrun: StatusCode.RESOURCE_EXHAUSTED,
    errors.ServiceError: StatusCode.UNAVAILABLE,
    errors.DownloadError: StatusCode.UNAVAILABLE,  # never met by a server
    errors.ModelError: StatusCode.FAILED_PRECONDITION,
    errors.ShapeError: StatusCode.INVALID_ARGUMENT,
    errors.ExportError: StatusCode.INTERNAL,  # never met by a server
    errors.ParityError: StatusCode.INTERNAL,
}
"""Every class of the tree in stream/errors.py -> its code."""


def code(error: StreamError) -> StatusCode:
    """Return the code of an error: that of its nearest ancestor in the table."""
    return next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)
