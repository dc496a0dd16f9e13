"""The overlaid video: each frame with its labels, their probabilities and what goes on, as H.264 in an mp4."""

import contextlib
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, cast

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from stream.errors import MissingDependency, StreamError, UsageError
from stream.sinks.base import say_written
from stream.types import Frame, Label, Phase, Update

try:
    from PIL import Image, ImageDraw, ImageFont
except ModuleNotFoundError as missing:
    raise MissingDependency("the overlaid video", "pillow", "plot") from missing

TICK = Fraction(1, 60_000)
"""Seconds: the unit of timestamps; finer ones than 1 / 65535 are beyond MPEG-4."""

MIN_HEIGHT_PX = 360
"""Smaller pictures are enlarged to this, so that the words on them can be read."""

WHITE, GREY, SHADE, GREEN, BLUE = (255, 255, 255), (200, 205, 210), (12, 16, 22, 165), (46, 204, 128), (96, 142, 214)


def build(target: str) -> "VideoSink":
    """Prepare to write `target`; the file appears, whole, when the `with` ends.

    Raises:
        UsageError: not the path of an mp4, or its folder does not exist.
    """
    path = Path(target)
    if path.suffix.lower() != ".mp4" or not path.parent.is_dir():
        raise UsageError(f"cannot save the video as {target}; accepted: a name ending in .mp4, in a folder that exists")
    return VideoSink(path)


class Writer(NamedTuple):
    """An open file and its one stream."""

    container: OutputContainer
    video: VideoStream

    def write(self, frame: av.VideoFrame | None) -> None:
        """Encode one frame, or what is left where there is none."""
        self.container.mux(self.video.encode(frame))


class VideoSink:
    """Draws and encodes frame by frame, into a file of another name until it is complete."""

    def __init__(self, path: Path) -> None:
        self._path, self._part = path, path.with_name(f".{path.name}.part")
        self._writer: Writer | None = None
        self._overlay = Overlay()
        self._last_ticks = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete the file, whatever ended the stream; one that cannot be completed is removed."""
        if self._writer is None:
            return
        try:
            self._writer.write(None)
            self._writer.container.close()
            self._part.replace(self._path)
            say_written(self._path)
        except (av.FFmpegError, OSError) as failed:
            self._fail(failed)

    def send(self, frame: Frame, update: Update | None) -> None:
        """Write one frame; one that is not later than the last only brings its news to the next.

        Raises:
            StreamError: it cannot be written, because the disk is full for instance.
        """
        self._overlay.take(update)
        ticks = round(frame.offset_s / TICK)
        if ticks <= self._last_ticks:
            return
        self._last_ticks = ticks
        try:
            self._writer = self._writer or open_writer(
                self._part, *_size(frame.picture.width_px, frame.picture.height_px)
            )
            self._writer.write(self._draw(frame, ticks, self._writer.video))
        except (av.FFmpegError, OSError) as failed:
            self._fail(failed)

    def _draw(self, frame: Frame, ticks: int, video: VideoStream) -> av.VideoFrame:
        picture = Image.fromarray(frame.picture.rgb(video.width, video.height))
        self._overlay.draw(picture, frame.offset_s)
        drawn = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
        drawn.pts, drawn.time_base = ticks, TICK
        return drawn

    def _fail(self, error: av.FFmpegError | OSError) -> None:
        if self._writer is not None:
            with contextlib.suppress(av.FFmpegError, OSError):
                self._writer.container.close()
        self._writer = None
        self._part.unlink(missing_ok=True)
        raise StreamError(f"cannot write {self._path}: {error.strerror}") from error


class Overlay:
    """What is drawn over a picture: the labels' bars below, what goes on above, the time at the right."""

    def __init__(self) -> None:
        self._labels: tuple[Label, ...] = ()
        self._begun: dict[str, float] = {}
        self._fonts: dict[int, ImageFont.FreeTypeFont | ImageFont.ImageFont] = {}

    def take(self, update: Update | None) -> None:
        """Remember what an update says; None changes nothing."""
        if update is None:
            return
        self._labels = update.labels
        for event in update.events:
            if event.phase is Phase.END:
                self._begun.pop(event.label, None)
            else:
                self._begun[event.label] = event.begin_s

    def draw(self, picture: Image.Image, offset_s: float) -> None:
        """Draw over `picture`, in place."""
        draw = ImageDraw.Draw(picture, "RGBA")
        unit_px = max(10, min(picture.width // 30, picture.height // 24))
        self._draw_bars(draw, unit_px, picture.width, picture.height)
        top_px = float(unit_px)
        for label, begin_s in self._begun.items():
            top_px = self._draw_chip(draw, unit_px, top_px, label, offset_s - begin_s)
        clock = f"{offset_s:.1f} s"
        left_px = picture.width - unit_px - draw.textlength(clock, self._font(unit_px))
        box = (left_px - unit_px / 2, unit_px, picture.width - unit_px / 2, 2.6 * unit_px)
        draw.rounded_rectangle(box, unit_px / 3, SHADE)
        draw.text((left_px, 1.8 * unit_px), clock, GREY, self._font(unit_px), "lm")

    def _draw_bars(self, draw: ImageDraw.ImageDraw, unit_px: int, width_px: int, height_px: int) -> None:
        """Draw a row a label, best first: its name, its probability, and a bar as long as that."""
        if not self._labels:
            return
        row_px, right_px = 2.2 * unit_px, float(min(width_px - unit_px, 17 * unit_px))
        top_px = height_px - 1.6 * unit_px - row_px * len(self._labels)
        draw.rounded_rectangle((unit_px, top_px, right_px, height_px - unit_px), unit_px / 2, SHADE)
        left_px, length_px, top_px = 1.7 * unit_px, right_px - 2.4 * unit_px, top_px + 0.4 * unit_px
        for label in self._labels:
            is_on = label.name in self._begun
            bar_px = top_px + 1.5 * unit_px
            middle_px = top_px + 0.75 * unit_px
            draw.text((left_px, middle_px), label.name, WHITE if is_on else GREY, self._font(unit_px), "lm")
            draw.text((left_px + length_px, middle_px), f"{label.probability:.0%}", GREY, self._font(unit_px), "rm")
            draw.rectangle((left_px, bar_px, left_px + length_px, bar_px + 0.3 * unit_px), (255, 255, 255, 45))
            end_px = left_px + length_px * min(1.0, max(0.0, label.probability))
            draw.rectangle((left_px, bar_px, end_px, bar_px + 0.3 * unit_px), GREEN if is_on else BLUE)
            top_px += row_px

    def _draw_chip(self, draw: ImageDraw.ImageDraw, unit_px: int, top_px: float, label: str, since_s: float) -> float:
        """Draw an action that goes on, and since when; return where the next one goes."""
        font, middle_px = self._font(round(1.4 * unit_px)), top_px + 1.1 * unit_px
        words, since = f"{label}  ", f"{max(0.0, since_s):.1f} s"
        left_px = 3.0 * unit_px
        split_px = left_px + draw.textlength(words, font)
        right_px = split_px + draw.textlength(since, self._font(unit_px)) + 0.8 * unit_px
        draw.rounded_rectangle((unit_px, top_px, right_px, top_px + 2.2 * unit_px), 1.1 * unit_px, SHADE)
        draw.ellipse((1.7 * unit_px, middle_px - 0.35 * unit_px, 2.4 * unit_px, middle_px + 0.35 * unit_px), GREEN)
        draw.text((left_px, middle_px), words, WHITE, font, "lm")
        draw.text((split_px, middle_px), since, GREY, self._font(unit_px), "lm")
        return top_px + 2.7 * unit_px

    def _font(self, size_px: int) -> "ImageFont.FreeTypeFont | ImageFont.ImageFont":
        if size_px not in self._fonts:
            self._fonts[size_px] = ImageFont.load_default(size_px)
        return self._fonts[size_px]


def open_writer(path: Path, width_px: int, height_px: int) -> Writer:
    """Begin an mp4 of pictures of an even size: H.264, or MPEG-4 where there is no encoder of it."""
    codec, options = "libx264", {"preset": "veryfast", "crf": "23"}
    if codec not in av.codecs_available:
        codec, options = "mpeg4", {"qmin": "3", "qmax": "5"}
    container = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
    video = cast(VideoStream, container.add_stream(codec, options=options))
    video.width, video.height = width_px, height_px
    video.pix_fmt, video.codec_context.time_base = "yuv420p", TICK
    return Writer(container, video)


def _size(width_px: int, height_px: int) -> tuple[int, int]:
    """Return the video's size: even, as H.264 needs, and large enough for words."""
    scale = max(1.0, MIN_HEIGHT_PX / height_px)
    return max(2, round(width_px * scale) // 2 * 2), max(2, round(height_px * scale) // 2 * 2)
