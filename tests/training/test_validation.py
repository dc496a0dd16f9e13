"""Judging held-out clips: as a session would see each, alone."""

from pathlib import Path

import numpy as np
import pytest
import torch

from stream.preprocess import preprocess
from stream.resampling import Resampler
from stream.sources import open_source
from stream.training import validation
from stream.training.clips import Clips
from stream.training.datasets import Sample
from stream.training.validation import Judge
from tests import clips as videos
from tests import tiny


@pytest.mark.parametrize("lighten", [0.0, 0.5])
def test_what_is_said_of_a_clip_is_what_a_session_would_say_at_its_last_frame(
    lighten: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tiny.card("relu6", lighten=lighten)
    net = tiny.net(card)
    lengths = (9, 14, 4)
    samples = [
        Sample(videos.write(tmp_path / f"{i}.mp4", videos.evenly(n)), card.labels[i]) for i, n in enumerate(lengths)
    ]
    monkeypatch.setattr(validation, "BATCH", 2)
    found = Judge(Clips(samples, card, card.fps), card)(net)
    for index, sample in enumerate(samples):
        state, resampler, logits = net.init_state(1), Resampler(card.fps), []
        with open_source(str(sample.path)) as source, torch.inference_mode():
            for packet in source:
                for frame in source.decode(packet):
                    if resampler.takes(frame.offset_s):
                        clip = torch.from_numpy(preprocess(frame.picture, card))
                        row, state = net(clip, state, card.decay)
                        logits.append(row[0])
        assert np.allclose(found.probabilities[index], logits[-1].softmax(0).numpy(), atol=1e-4)
    assert found.truth.tolist() == [0, 1, 2]
    assert found.counts.sum() == 3
    assert np.isfinite(found.loss)


def test_judging_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    card = tiny.card("relu6")
    net = tiny.net(card).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    Judge(Clips([Sample(videos.write(tmp_path / "a.mp4"), "one")], card, card.fps), card)(net)
    assert net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
