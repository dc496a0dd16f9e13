"""Films that are not what they seem: covers, damage, cuts, no times, no rate. Made on the spot."""

import logging
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from stream.buffer import frames
from stream.errors import CutShort, SourceError, Unusable
from stream.pictures import RgbPicture
from stream.pipeline import Session, run
from stream.sources import open_source
from stream.sources._clocks import Clock, DecodingTimes
from stream.types import Frame
from tests import clips
from tests.encoding import encode
from tests.toy import Shelf, Toy

LONG = clips.evenly(60)
B_FRAMES = {"bf": "3", "x264-params": "b-adapt=0"}


def read(path: Path, **options: object) -> list[Frame]:
    with open_source(str(path), **options) as source:
        return list(frames(source))


def watch(path: Path) -> int:
    """Return how many frames are used."""
    used: list[float] = []
    with open_source(str(path)) as source:
        run(source, Session(Toy()), lambda _, update: used.extend([update.offset_s] if update else []))
    return len(used)


def is_square(frame: Frame, index: int) -> bool:
    return bool(np.abs(frame.picture.rgb().astype(int) - clips.square(index)).mean() < 8)


def put(path: Path, codec: str, count: int = 20, fps: int = 10, **options: str) -> Path:
    """Write the moving square at a rate, as cameras do: without times of their own."""
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=fps, options=options)
        video.width, video.height, video.pix_fmt = 160, 120, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(clips.square(index), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


# --- which stream ---


def test_a_thumbnail_before_the_film_is_not_the_film(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "drone.mkv"), "w") as container:
        thumbnail = container.add_stream("mjpeg", rate=10)
        thumbnail.width, thumbnail.height, thumbnail.pix_fmt = 640, 480, "yuvj420p"
        film = container.add_stream("libx264", rate=10)
        film.width, film.height, film.pix_fmt = 160, 120, "yuv420p"
        for stream, count, size in ((thumbnail, 1, (640, 480)), (film, 20, (160, 120))):
            for index in range(count):
                frame = av.VideoFrame.from_ndarray(clips.square(index, *size), format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 10)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    found = read(tmp_path / "drone.mkv")
    assert len(found) == 20
    assert is_square(found[3], 3)


def test_a_cover_alone_is_no_film(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "song.mp4"), "w") as container:
        cover = container.add_stream("mjpeg", rate=10)
        cover.width, cover.height, cover.pix_fmt, cover.disposition = 160, 120, "yuvj420p", Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(clips.square(0), format="rgb24")
        frame.pts, frame.time_base = 0, Fraction(1, 10)
        container.mux([*cover.encode(frame), *cover.encode(None)])
    with pytest.raises(SourceError, match="has no video; found: a cover picture"):
        read(tmp_path / "song.mp4")


# --- nothing to be had ---


def test_pictures_beyond_the_limit_are_refused_with_the_limit(tmp_path: Path) -> None:
    path = encode(tmp_path / "8k.mkv", [np.zeros((4104, 4096, 3), np.uint8)], 10, options={"preset": "ultrafast"})
    with pytest.raises(SourceError, match="its pictures are 4096x4104; accepted: up to 16777216 pixels"):
        watch(path)


def test_a_film_of_damaged_packets_is_an_error_that_counts_them(tmp_path: Path) -> None:
    whole = clips.write(tmp_path / "whole.mkv", codec="mpeg4")
    with av.open(str(whole)) as source, av.open(str(tmp_path / "bad.mkv"), "w") as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                bad = av.Packet(b"\xff" * packet.size)
                bad.pts, bad.dts, bad.time_base, bad.stream = packet.pts, packet.dts, packet.time_base, copy
                target.mux(bad)
    with pytest.raises(Unusable, match=r"not one frame could be used: \d+ could not be read, the last: .*mpeg4"):
        watch(tmp_path / "bad.mkv")


def test_an_animated_webp_says_that_it_cannot_be_read(tmp_path: Path) -> None:
    first, *others = (Image.fromarray(clips.square(index)) for index in range(5))
    first.save(tmp_path / "a.webp", save_all=True, append_images=others, duration=100)
    with pytest.raises(Unusable, match="a WebP of one picture only, and this one may be animated"):
        watch(tmp_path / "a.webp")


def test_a_source_that_ends_without_a_frame_is_an_error() -> None:
    with pytest.raises(Unusable, match="it ended without a frame"), Shelf([]) as source:
        run(source, Session(Toy()), lambda *_: None)


# --- cut short ---


@pytest.mark.parametrize(
    ("name", "words"),
    [("a.mkv", r"it says 6\.00 s, and \d\.\d\d s came"), ("a.avi", r"it says \d+ bytes, and \d+ are there")],
)
def test_a_film_cut_in_half_gives_what_is_there_and_says_so(tmp_path: Path, name: str, words: str) -> None:
    path = put(tmp_path / name, "mpeg4", 60)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    seen: list[Frame] = []
    with open_source(str(path)) as source, pytest.raises(CutShort, match=words):
        for packet in source:
            seen += source.decode(packet)
    assert 0 < len(seen) < 45


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4"), ("a.ts", "libx264")]
)
def test_a_whole_film_is_not_cut_short(tmp_path: Path, name: str, codec: str) -> None:
    assert len(read(put(tmp_path / name, codec, 60))) == 60


# --- times ---


def _as_avi(folder: Path) -> Path:
    return put(folder / "b.avi", "libx264", 60, **B_FRAMES)


def _with_decoding_times(folder: Path) -> Path:
    """Give every packet the time of its decoding as that of its picture, as some hardware does."""
    whole = put(folder / "whole.mp4", "libx264", 60, **B_FRAMES)
    with av.open(str(whole)) as source, av.open(str(folder / "b.mp4"), "w") as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.pts, packet.stream = packet.dts, copy
                target.mux(packet)
    return folder / "b.mp4"


@pytest.mark.parametrize("make", [_as_avi, _with_decoding_times])
def test_every_picture_comes_in_its_turn_where_only_decoding_has_times(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    found = read(make(tmp_path))
    assert [frame.offset_s for frame in found] == pytest.approx(LONG, abs=0.002)
    assert all(is_square(frame, index) for index, frame in enumerate(found))


def test_a_picture_that_never_came_shifts_no_other_beyond_the_next_key_picture() -> None:
    times = DecodingTimes()
    for time_s in range(12):
        times.put(float(time_s))
    shown = [(0, True), (2, False), (1, False), (5, False), (4, False), (8, True), (9, False)]  # 3, 6 and 7 are lost
    assert [times.take(float(at), is_key=is_key) for at, is_key in shown] == [0, 1, 2, 3, 4, 8, 9]


def test_many_frames_out_of_order_are_told(caplog: pytest.LogCaptureFixture) -> None:
    order = [0.0, 0.3, 0.1, 0.2, 0.6, 0.4, 0.5, 0.9, 0.7, 0.8]
    with (
        Shelf([Frame(RgbPicture(clips.square(0)), at_s, 0) for at_s in order]) as source,
        caplog.at_level(logging.WARNING),
    ):
        run(source, Session(Toy()), lambda *_: None)
    assert "6 of 10 frames were not used: their timestamps do not increase" in caplog.text


# --- rates ---


@pytest.mark.parametrize(("name", "codec", "fps"), [("a.h264", "libx264", 50), ("a.hevc", "libx265", 12)])
def test_a_bare_stream_has_the_rate_that_it_says(tmp_path: Path, name: str, codec: str, fps: int) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"FFmpeg has no {codec} here")
    options = {"x265-params": "log-level=error"} if codec == "libx265" else {}
    found = read(put(tmp_path / name, codec, fps=fps, **options))
    assert [frame.offset_s for frame in found] == pytest.approx(clips.evenly(20, fps), abs=0.002)


def test_a_bare_stream_that_says_no_rate_asks_for_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path / "pi.mjpeg", "mjpeg")
    with caplog.at_level(logging.WARNING):
        found = read(tmp_path / "pi.mjpeg")
    assert "does not say its rate: 25 fps is taken; --fps says another" in caplog.text
    assert found[-1].offset_s == pytest.approx(19 / 25)
    assert read(tmp_path / "pi.mjpeg", fps=5.0)[-1].offset_s == pytest.approx(19 / 5)


def test_a_webcam_whose_clock_stands_still_at_first_leaps_nowhere() -> None:
    clock = Clock(1 / 30)
    times = [0.0, 0.0, 0.0, 0.0, 328.1, 328.2, 328.3]
    found = [clock.offset_s(time_s, 100 + index / 10) for index, time_s in enumerate(times)]
    assert found == pytest.approx([index / 10 for index in range(7)])


def test_a_live_clock_that_leaps_is_taken_to_be_set_anew() -> None:
    clock = Clock(1 / 30)
    found = [clock.offset_s(time_s, 50 + index / 10) for index, time_s in enumerate([1.0, 1.1, 328.0, 328.1])]
    assert found == pytest.approx([0.0, 0.1, 0.2, 0.3])
    slow = Clock(1 / 30)  # a pause that really was one
    assert [slow.offset_s(1.0, 50.0), slow.offset_s(31.0, 80.0)] == pytest.approx([0.0, 30.0])


# --- late ---


def test_who_is_late_decodes_key_pictures_alone_until_the_next_one_on_time(tmp_path: Path) -> None:
    path = put(tmp_path / "a.mp4", "libx264", 40, 10, g="5", bf="0", tune="zerolatency")
    seen: list[float] = []
    with open_source(str(path), realtime=True) as source:
        for number, packet in enumerate(source):
            source.hurry(7 <= number < 22)  # type: ignore[attr-defined]
            seen += [frame.offset_s for frame in source.decode(packet)]
    wanted = [*range(7), 10, 15, 20, *range(25, 40)]
    assert seen == pytest.approx([number / 10 for number in wanted], abs=0.002)
