"""What each of our errors is called on the wire: one table, and what goes with it."""

from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2
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
    errors.CutShort: StatusCode.DATA_LOSS,
    errors.Unusable: StatusCode.UNAVAILABLE,
    errors.DecodeError: StatusCode.INVALID_ARGUMENT,  # pictures are sent to us; a camera's would be DATA_LOSS
    errors.Overrun: StatusCode.RESOURCE_EXHAUSTED,
    errors.CheckpointError: StatusCode.FAILED_PRECONDITION,
    errors.ServiceError: StatusCode.UNAVAILABLE,
    errors.OutputError: StatusCode.UNAVAILABLE,  # met by outputs only
    errors.DownloadError: StatusCode.UNAVAILABLE,  # never met by a server
    errors.ModelError: StatusCode.FAILED_PRECONDITION,
    errors.ShapeError: StatusCode.INVALID_ARGUMENT,
    errors.ExportError: StatusCode.INTERNAL,  # never met by a server
    errors.ParityError: StatusCode.INTERNAL,
}
"""Every class of the tree in stream/errors.py -> its code."""

RETRY_AFTER_MS = 1000
"""Milliseconds: when to try again, said where waiting is what helps."""
PASSING = (StatusCode.RESOURCE_EXHAUSTED, StatusCode.UNAVAILABLE)
"""What passes by itself."""


def code(error: StreamError) -> StatusCode:
    """Return the code of an error: that of its nearest ancestor in the table."""
    return next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)


def trailing(status: StatusCode, words: str) -> tuple[tuple[str, str | bytes], ...]:
    """Return the trailing metadata of an error that passes: when to try again, as google.rpc.RetryInfo and in plain."""
    if status not in PASSING:
        return ()
    retry, detail = error_details_pb2.RetryInfo(), AnyMessage()
    retry.retry_delay.FromMilliseconds(RETRY_AFTER_MS)
    detail.Pack(retry)
    whole = status_pb2.Status(code=status.value[0], message=words, details=[detail])
    return (
        ("grpc-status-details-bin", whole.SerializeToString()),
        ("retry-after-ms", str(RETRY_AFTER_MS)),
    )
