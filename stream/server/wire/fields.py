"""What the wire looks like, where both directions need to know it: times, settings, choices.

Offsets become seconds at the wire's own resolution of a microsecond, and go back unchanged.
"""

import math
from typing import Any

from google.protobuf import message

from stream.decode import Layout
from stream.v1 import recognition_pb2 as pb

Unreadable = message.DecodeError
"""What bytes raise that are no message."""

MAX_OFFSET_S = 1e9
"""Seconds: up to here a float keeps microseconds apart."""

PLAIN = (
    "top_k",
    "memory_s",
    "begin_threshold",
    "end_threshold",
    "min_duration_s",
    "smoothing_s",
    "max_gap_s",
    "is_cut_aware",
)
"""Settings that have the same name and kind on both sides."""

POLICIES = {
    pb.DROP_POLICY_UNSPECIFIED: "wait",
    pb.DROP_POLICY_WAIT: "wait",
    pb.DROP_POLICY_LATEST: "latest",
    pb.DROP_POLICY_EVERY: "every",
}
CODECS = {
    pb.CODEC_H264: "h264",
    pb.CODEC_HEVC: "hevc",
    pb.CODEC_VP9: "vp9",
    pb.CODEC_AV1: "av1",
    pb.CODEC_MJPEG: "mjpeg",
}
LAYOUTS: dict[Any, Layout] = {
    pb.PIXEL_FORMAT_RGB24: "rgb24",
    pb.PIXEL_FORMAT_I420: "i420",
    pb.PIXEL_FORMAT_NV12: "nv12",
}


def offset_s(duration: Any) -> float:
    """Read a Duration as seconds; not a number where it is out of range."""
    found_s: float = (duration.seconds * 1_000_000 + duration.nanos // 1000) / 1e6
    return found_s if 0 <= found_s <= MAX_OFFSET_S and 0 <= duration.nanos < 1_000_000_000 else math.nan


def fill(duration: Any, seconds: float) -> None:
    """Write seconds into a Duration, to the microsecond."""
    duration.FromMicroseconds(round(seconds * 1e6))
