"""Decoding for training: what a session would see, once, within bounds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stream.cards import Card
from stream.errors import UsageError
from stream.orientation import UPRIGHT, Orientation
from stream.preprocess import preprocess
from stream.resampling import Resampler
from stream.sources import open_source
from stream.training import clips
from stream.training.clips import Clips
from stream.training.datasets import Sample
from tests import clips as videos
from tests import turned

CARD = Card(name="x", architecture="movinet", variant="t0", side_px=32, fps=5.0, labels=("a", "b"))


def test_a_clip_is_what_a_session_sees_of_the_video(clip: Path) -> None:
    resampler, seen = Resampler(CARD.fps), []
    with open_source(str(clip)) as source:
        for packet in source:
            for frame in source.decode(packet):
                if resampler.takes(frame.offset_s):
                    seen.append((frame.offset_s, preprocess(frame.picture, CARD)[0, :, 0]))
    [found] = clips.decode([Sample(clip, "a")], CARD, CARD.fps)
    assert found.offsets_s.tolist() == [offset_s for offset_s, _ in seen]
    assert np.allclose(found.frames.transpose(0, 3, 1, 2) / np.float32(255), np.stack([rgb for _, rgb in seen]))
    assert len(seen) == 10


def test_samples_of_a_video_are_decoded_in_one_pass_as_each_alone(clip: Path) -> None:
    parts = [Sample(clip, "a", 0.3, 1.0), Sample(clip, "b", 0.5, 1.5), Sample(clip, "a", 1.0)]
    together = list(clips.decode(parts, CARD, 10.0))
    for part, found in zip(parts, together, strict=True):
        [alone] = clips.decode([part], CARD, 10.0)
        assert np.array_equal(found.frames, alone.frames)
        assert found.offsets_s[0] == 0.0
    assert [len(found.frames) for found in together] == [7, 10, 10]


def test_the_clock_is_the_videos_own_not_a_count_of_frames(tmp_path: Path) -> None:
    times_s = [0.0, 0.05, 0.1, 0.4, 0.45, 0.8, 1.0, 1.05]
    path = videos.write(tmp_path / "uneven.mp4", times_s)
    [found] = clips.decode([Sample(path, "a")], CARD, CARD.fps)
    assert found.offsets_s.tolist() == pytest.approx([0.0, 0.4, 0.45, 0.8, 1.0, 1.05])


@pytest.mark.parametrize(("memory", "disk"), [(1 << 20, 0), (40_000, 1 << 20), (40_000, 40_000), (0, 0)])
def test_wherever_clips_are_kept_they_are_the_same(memory: int, disk: int, tmp_path: Path) -> None:
    samples = [Sample(videos.write(tmp_path / f"{i}.mp4", videos.evenly(6 + i)), "a") for i in range(3)]
    found = Clips(samples, CARD, 10.0, memory_bytes=memory, disk_bytes=disk, folder=tmp_path / "cache")
    on_disk = list(tmp_path.glob("cache/*.npy"))
    assert sum(path.stat().st_size - 128 for path in on_disk) <= disk
    for index, sample in enumerate(samples):
        [alone] = clips.decode([sample], CARD, 10.0)
        assert np.array_equal(found[index].frames, alone.frames)
        assert np.array_equal(found[index].offsets_s, alone.offsets_s)
    assert [len(found[index].frames) for index in range(3)] == [6, 7, 8]
    assert bool(on_disk) == (memory < 1 << 20 and disk > 0)
    found.close()
    assert not (tmp_path / "cache").exists()


def test_what_cannot_be_read_is_named_or_left_out_if_told_so(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    samples = [Sample(tmp_path / "bad.mp4", "a"), Sample(clip, "a"), Sample(clip, "b", 5.0, 6.0, where="d.csv:4")]
    with pytest.raises(UsageError, match=r"2 of 3 samples cannot be read.*bad\.mp4.*--skip-faulty"):
        Clips(samples, CARD, 10.0)
    found = Clips(samples, CARD, 10.0, is_lenient=True)
    assert found.samples == (samples[1],)
    assert len(found[0].frames) == 20
    assert "5-6 s (d.csv:4): no frame can be read; the video lasts 1.90 s" in found.faults[1]


def test_a_sample_past_the_end_does_not_cost_the_others_of_its_video(clip: Path) -> None:
    found = Clips([Sample(clip, "b", 9.0), Sample(clip, "a", 0.0, 1.0)], CARD, 10.0, is_lenient=True)
    assert [sample.label for sample in found.samples] == ["a"]


def test_a_sample_that_ends_after_its_video_by_more_than_a_frame_is_refused_with_its_row(clip: Path) -> None:
    assert len(Clips([Sample(clip, "a", 1.0, 2.05), Sample(clip, "b", 0.0, 1.0)], CARD, CARD.fps)) == 2
    late = Sample(clip, "a", 1.0, 2.2, where="data.csv:3")
    words = r"1 of 2 samples .* 1-2\.2 s \(data\.csv:3\): it ends at 2\.2 s, after its video, which lasts 2\.00 s"
    with pytest.raises(UsageError, match=words):
        Clips([Sample(clip, "b"), late], CARD, CARD.fps)
    assert Clips([Sample(clip, "b"), late], CARD, CARD.fps, is_lenient=True).samples == (Sample(clip, "b"),)
    assert len(Clips([Sample(clip, "b", 0.0, 1e4)], CARD, CARD.fps, is_lenient=True)) == 0


def test_the_card_says_how_a_frame_is_cut(clip: Path) -> None:
    [stretched] = clips.decode([Sample(clip, "a")], CARD, 5.0)
    [padded] = clips.decode([Sample(clip, "a")], replace(CARD, fit="pad"), 5.0)
    assert stretched.frames[0, 0].any()
    assert not padded.frames[0, 0].any()


def test_training_sees_a_clip_that_is_stored_lying_as_it_stands(tmp_path: Path) -> None:
    upright, lying = (turned.write(tmp_path / f"{way}.mp4", way) for way in (UPRIGHT, Orientation(3)))
    one, other = (clips.decode([Sample(path, "a")], CARD, CARD.fps)[0] for path in (upright, lying))
    assert np.abs(one.frames.astype(int) - other.frames).mean() < 3
