"""Training: learns, and goes on after a kill as if nothing had been."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from stream.cards import Card
from stream.errors import ModelError
from stream.nets.base import TensorState
from stream.play.motions import LABELS
from stream.training import recipes
from stream.training.fit import fit
from stream.training.gestures import Stream
from stream.training.streams import FitSettings

CARD = Card(
    name="toy",
    architecture="movinet",
    variant="t0",
    side_px=32,
    fps=10.0,
    labels=LABELS,
    memory_s=2.0,
    trained_frames=8,
)
SETTINGS = FitSettings(
    streams=16, batch=4, frames=4, parts=2, threads=2, workers=0, save_every=1, easy_share=0.0, rate=0.02
)


class Small(nn.Module):
    """A net of one convolution over a frame and the one before, with a norm, as the real ones have."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(6, 24, (16, 4), stride=(1, 2)), nn.BatchNorm2d(24)
        self.classifier = nn.Linear(24, len(LABELS))

    def init_state(self, batch: int = 1) -> TensorState:
        return {"last": torch.zeros(batch, 3, 16, 16)}

    def frames(self, clip: Tensor, state: TensorState, _decay: float) -> tuple[Tensor, TensorState]:
        seen = torch.cat([state["last"][:, :, None], clip], 2)
        pairs = torch.cat([seen[:, :, :-1], seen[:, :, 1:]], 1).transpose(1, 2).flatten(0, 1)  # (B * T, 6, S, S)
        features = self.norm(self.conv(pairs)).relu().amax((2, 3))
        return self.classifier(features).unflatten(0, clip.shape[0:3:2]), {"last": seen[:, :, -1]}


def make(seed: tuple[int, ...], frames: int, _difficulty: float) -> Stream:
    """A bar that goes left or right over a plain picture: a class apiece."""
    rng = np.random.default_rng(seed)
    way = int(rng.integers(2))
    pictures = np.full((frames, 16, 16, 3), 60, np.uint8)
    for index in range(frames):
        left = (2 * index if way else 14 - 2 * index) % 16
        pictures[index, :, left : left + 2] = 220
    labels = np.full(frames, 2 + way)
    labels[0] = -1
    return Stream(pictures, labels, ())


def train(folder: Path, settings: FitSettings = SETTINGS, is_resumed: bool = False) -> dict[str, Tensor]:
    torch.manual_seed(settings.seed)
    net = Small()
    fit(net, CARD, make, settings, folder, is_resumed=is_resumed)
    return net.state_dict()


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_it_learns_which_way_a_bar_goes(tmp_path: Path) -> None:
    train(tmp_path, replace(SETTINGS, streams=120))
    losses = [line["loss"] for line in lines(tmp_path)]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    first, second = train(tmp_path / "a"), train(tmp_path / "b")
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = train(tmp_path / "c", replace(SETTINGS, seed=9))
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(tmp_path / "whole")

    class KilledError(Exception):
        pass

    import stream.training.fit as module

    real, calls = module._Run.learn, list[int]()

    def learn(self: module._Run, *args: Tensor) -> dict[str, float]:
        calls.append(1)
        if len(calls) == 3:
            raise KilledError
        return real(self, *args)

    monkeypatch.setattr(module._Run, "learn", learn)
    with pytest.raises(KilledError):
        train(tmp_path / "cut")
    monkeypatch.setattr(module._Run, "learn", real)
    resumed = train(tmp_path / "cut", is_resumed=True)
    assert [line["batch"] for line in lines(tmp_path / "cut")] == [1, 2, 3, 4]
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    train(tmp_path)
    with pytest.raises(ModelError, match=r"another --rate: rate was 0\.\d+, is 0\.001; accepted"):
        train(tmp_path, replace(SETTINGS, rate=1e-3), is_resumed=True)


def test_a_checkpoint_holds_values_only(tmp_path: Path) -> None:
    train(tmp_path)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["done"] == 4


def test_fresh_blocks_take_part_and_most_taps_see_differences_only() -> None:
    net = recipes.start(CARD, 0)
    scales = [value for name, value in net.named_parameters() if name.endswith(".scale") and value.ndim == 0]
    assert scales
    assert all(scale == 0.5 for scale in scales)
    for module in net.modules():
        if isinstance(getattr(module, "taps", None), torch.nn.ParameterList):
            total = torch.stack(list(module.taps)).sum(0).flatten().abs()
            is_blind = total < 1e-5
            assert is_blind.float().mean() >= 0.7
            assert not is_blind[::4].any()
