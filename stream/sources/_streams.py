"""What a container says of its video: which stream it is, how fast, how long, and what of it can be believed."""

import math
import re
from collections.abc import Sequence
from typing import Any

from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from stream.decode import MAX_PIXELS
from stream.errors import SourceError

MAX_FPS = 1000.0
"""Frames per second: a stream that claims more does not know."""

STILLS = Disposition.attached_pic | Disposition.timed_thumbnails
"""What FFmpeg calls covers of songs and thumbnails of films, which it gives as videos of one picture."""

RATELESS = ("h264", "hevc", "mjpeg", "m4v", "obu", "mpegvideo")
"""FFmpeg's names of containers that are none: bare streams, which say their rate themselves or not at all."""

HONEST = ("mov", "matroska", "webm", "avi", "flv", "asf")
"""Containers that say how long they are; of others FFmpeg estimates it."""

SHORTEST_S, SHORTEST_SHARE = 1.0, 0.01
"""Seconds, and share of the length, that may be missing: containers round, and the last duration is a guess."""

_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


def video_of(uri: str, container: InputContainer) -> VideoStream:
    """Choose the video that people mean, as FFmpeg's tools do: never a cover or a thumbnail.

    Raises:
        SourceError: there is none, FFmpeg cannot decode it, or its pictures are too large.
    """
    films = [one for one in container.streams.video if not one.disposition & STILLS]
    best = container.streams.best("video")
    video = next((one for one in films if best is not None and one.index == best.index), None)
    video = video or max(films, key=_pixels, default=None)
    if video is None:
        kinds = {"a cover picture" if one in container.streams.video else one.type for one in container.streams}
        raise SourceError(f"{uri} has no video; found: {', '.join(sorted(kinds)) or 'nothing'}")
    if video.codec_context is None:
        raise SourceError(f"{uri}: FFmpeg has no decoder for its video")
    if _pixels(video) > MAX_PIXELS:
        size = f"{video.codec_context.width}x{video.codec_context.height}"
        raise SourceError(f"{uri}: its pictures are {size}; accepted: up to {MAX_PIXELS} pixels in all")
    return video


def fps_of(container: InputContainer, video: VideoStream) -> float | None:
    """Return the rate that the video claims, frames a second; None where it does not say."""
    if is_bare(container):  # FFmpeg takes 25 for all of them
        rate = video.codec_context.framerate if container.format.name != "mjpeg" else None
    else:
        rate = video.average_rate or video.guessed_rate
    return float(rate) if rate and 0 < rate <= MAX_FPS else None


def is_bare(container: InputContainer) -> bool:
    """Say whether it is a stream without a container."""
    return container.format.name in RATELESS


def length_of(container: InputContainer, video: VideoStream) -> float | None:
    """Return how long the video claims to be, in seconds; None where it does not say."""
    if not any(name in HONEST for name in container.format.name.split(",")):
        return None
    if video.duration and video.time_base:
        return float(video.duration * video.time_base)
    if found := _CLOCK.match(video.metadata.get("DURATION", "")):
        hours, minutes, seconds = found.groups()
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    return container.duration / 1e6 if container.duration and len(container.streams) == 1 else None


def has_only_decoding_times(video: VideoStream, packets: Sequence[Any]) -> bool:
    """Say whether packets carry the times of decoding, while pictures are shown in another order.

    Args:
        video: what they are of.
        packets: the first of them, more than the pictures that may lie between a picture and one shown before it.
    """
    times = [packet.pts if packet.pts is not None else packet.dts for packet in packets if packet.size]
    known = [time for time in times if time is not None]
    return bool(video.codec_context.has_b_frames) and len(known) > 1 and known == sorted(known)


class Span:
    """From the first time to the last of the packets that came."""

    def __init__(self) -> None:
        self._begin_s, self._end_s = math.inf, -math.inf

    def add(self, packet: Any) -> None:
        """Take one."""
        time_s = time_of(packet)
        if time_s is not None and packet.time_base is not None:
            self._begin_s = min(self._begin_s, time_s)
            self._end_s = max(self._end_s, time_s + float((packet.duration or 0) * packet.time_base))

    @property
    def length_s(self) -> float:
        """Seconds from the first to the end of the last."""
        return max(0.0, self._end_s - self._begin_s)

    def is_less_than(self, claimed_s: float | None) -> bool:
        """Say whether so much of a claimed length is missing that it is cut short."""
        missing_s = (claimed_s or 0.0) - self.length_s
        return missing_s > max(SHORTEST_S, SHORTEST_SHARE * (claimed_s or 0.0))


def time_of(packet: Any) -> float | None:
    """Return the time of a packet of FFmpeg's, in seconds; that of its decoding where it has no other."""
    time = packet.dts if packet.pts is None else packet.pts
    return None if time is None or packet.time_base is None else float(time * packet.time_base)


def _pixels(video: VideoStream) -> int:
    context = video.codec_context
    return int(context.width * context.height) if context else 0
