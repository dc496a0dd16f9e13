"""Streams of real clips: what is learned is what is shown, however the clips are changed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stream.cards import Card
from stream.play.gestures import IGNORE
from stream.training import mirror
from stream.training.clips import Clip, Clips
from stream.training.datasets import Sample
from stream.training.mixing import Mixer, MixSettings, framed, played
from tests import clips as videos

LABELS = ("go left", "go right", "jump", "lean right")
CARD = Card(name="x", architecture="movinet", variant="t0", side_px=32, fps=10.0, labels=LABELS)
CARD = replace(CARD, mirror_pairs=mirror.pairs(LABELS))
PLAIN = MixSettings(zoom=0, light=0, speed=0, mirror=0, alone=1, settle_s=0)


class Colours(Clips):
    """Clips of one grey each, brighter on the left; label by number; the longest is longer than a stream."""

    def __init__(self, lengths: tuple[int, ...] = (6, 9, 14, 60)) -> None:
        self.samples = tuple(Sample(Path(f"{i}.mp4"), LABELS[i]) for i in range(len(lengths)))
        self._clips = [Clip(self._frames(i, n), np.arange(n) / 20) for i, n in enumerate(lengths)]

    @staticmethod
    def _frames(index: int, count: int) -> np.ndarray:
        frames = np.full((count, 32, 32, 3), 40 + 50 * index, np.uint8)
        frames[:, :, :16] += 20
        return frames

    def __getitem__(self, index: int) -> Clip:
        return self._clips[index]


def shown(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which clip every frame is of, and whether it is mirrored."""
    return (frames[:, :, :, 0].mean((1, 2)) - 45) // 50, frames[:, 0, 0, 0] < frames[:, 0, -1, 0]


def test_a_stream_is_made_from_its_seed_alone() -> None:
    mixer = Mixer(Colours(), CARD, MixSettings())
    first, again, other = mixer.stream((1, 5), 20), mixer.stream((1, 5), 20), mixer.stream((1, 6), 20)
    assert np.array_equal(first.frames, again.frames)
    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.frames, other.frames)
    assert (first.frames.shape, first.frames.dtype, first.labels.dtype) == ((20, 32, 32, 3), np.uint8, np.int64)


def test_every_frame_has_the_label_of_the_clip_it_shows() -> None:
    mixer = Mixer(Colours(), CARD, PLAIN)
    for number in range(20):
        made = mixer.stream((0, number), 40)
        assert np.array_equal(shown(made.frames)[0], made.labels)


def test_every_clip_counts_once_in_a_round() -> None:
    mixer = Mixer(Colours(), CARD, PLAIN)
    for turn in range(3):
        first = [int(mixer.stream((0, 4 * turn + place), 6).labels[0]) for place in range(4)]
        assert sorted(first) == [0, 1, 2, 3]


def test_a_mirror_swaps_left_and_right_and_never_shows_a_side_that_has_no_partner() -> None:
    mixer = Mixer(Colours(), CARD, replace(PLAIN, mirror=1.0))
    seen = set()
    for number in range(20):
        made = mixer.stream((0, number), 30)
        clip, is_mirrored = shown(made.frames)
        seen |= {tuple(map(int, row)) for row in zip(clip, is_mirrored, made.labels, strict=True)}
    assert seen == {(0, 1, 1), (1, 1, 0), (2, 1, 2), (3, 0, 3)}


def test_a_clips_beginning_is_not_learned_and_its_end_is() -> None:
    mixer = Mixer(Colours((40, 40)), CARD, replace(PLAIN, settle_s=0.5))
    made = mixer.stream((0, 0), 40)  # two clips of two seconds
    assert [int((made.labels[part] == IGNORE).sum()) for part in (slice(0, 20), slice(20, 40))] == [5, 5]
    assert (made.labels[5:19] >= 0).all()
    short = Mixer(Colours((10, 10)), CARD, replace(PLAIN, settle_s=5.0)).stream((0, 0), 5)
    assert (short.labels == IGNORE).tolist() == [True, True, False, False, False]


def test_streams_begin_blank_or_still_or_in_the_middle_of_another_clip() -> None:
    mixer = Mixer(Colours((40, 40)), CARD, replace(PLAIN, alone=0.4, settle_s=0.3))
    kinds = {"blank": 0, "still": 0, "other": 0}
    for number in range(80):
        labels = mixer.stream((3, number), 30).labels
        ignored = int((labels != IGNORE).argmax())
        kinds["other" if ignored == 0 else "still" if ignored > 3 else "blank"] += 1
    assert min(kinds.values()) > 8


def test_a_clip_longer_than_a_stream_is_seen_from_anywhere() -> None:
    clip = Clip(
        np.arange(60, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8), np.arange(60) / 20
    )
    rng = np.random.default_rng(0)
    assert len(played(clip, 10.0, 1.0, rng, 10)) == 10
    first = [int(played(clip, 10.0, 1.0, rng, 10)[0, 0, 0, 0]) for _ in range(200)]
    assert min(first) == 0
    assert max(first) == 41  # the last that leaves ten frames
    assert len(set(first)) > 30


@pytest.mark.parametrize(("speed", "step"), [(1.0, 2), (2.0, 4), (0.5, 1)])
def test_speed_is_time_not_a_count(speed: float, step: int) -> None:
    clip = Clip(
        np.arange(60, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8), np.arange(60) / 20
    )
    assert np.unique(np.diff(played(clip, 10.0, speed)[:, 0, 0, 0].astype(int))).tolist() == [step]


def test_a_crop_keeps_the_picture_in_view_and_is_the_same_for_all_frames() -> None:
    ramp = np.broadcast_to(np.arange(0, 250, 5, dtype=np.uint8)[None, None, :, None], (3, 50, 50, 3))
    for seed in range(10):
        found = framed(np.random.default_rng(seed), np.ascontiguousarray(ramp), 0.2).astype(int)
        assert (np.diff(found[0, 0, :, 0]) >= 0).all()
        assert found[0, 0, -1, 0] - found[0, 0, 0, 0] >= 0.75 * 245
        assert np.array_equal(found[0], found[2])


def test_dark_clips_are_lightened_as_in_use(tmp_path: Path) -> None:
    from stream.pictures import RgbPicture
    from stream.preprocess import preprocess

    card = replace(CARD, lighten=0.6)
    mixer, dark = Mixer(Colours(), card, PLAIN), Colours()
    used = preprocess(RgbPicture(dark[0].frames[0]), card)[0, :, 0].transpose(1, 2, 0)
    streams = [mixer.stream((0, number), 3) for number in range(4)]
    [found] = [made.frames[0] for made in streams if made.labels[0] == 0]
    assert np.abs(found / 255 - used).max() <= 0.5 / 255 + 1e-6


def test_real_clips_mix(tmp_path: Path) -> None:
    samples = [Sample(videos.write(tmp_path / f"{i}.mp4", videos.evenly(8 + 4 * i)), LABELS[i]) for i in range(3)]
    made = Mixer(Clips(samples, CARD, 20.0), CARD, MixSettings()).stream((1, 2), 24)
    assert made.frames.shape == (24, 32, 32, 3)
    assert made.frames.std() > 5
