"""Which weights a training keeps, when it ends, what it learns first, and what its folder holds."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from stream.errors import ModelError
from stream.training.fit import fit
from stream.training.runfolder import RunFolder
from stream.training.streams import FitSettings
from stream.training.validation import Judgement
from tests.training.test_fit import CARD, SETTINGS, Small, make

JUDGED = replace(SETTINGS, judge_every=1)


class Scripted:
    """Gives losses in order, and remembers the weights it was shown."""

    def __init__(self, *losses: float) -> None:
        self.losses, self.seen = list(losses), list[dict[str, Tensor]]()

    def __call__(self, net: nn.Module) -> Judgement:
        self.seen.append({name: value.clone() for name, value in net.state_dict().items()})
        said = np.eye(len(CARD.labels), dtype=np.float32)
        return Judgement(self.losses[len(self.seen) - 1], said, np.arange(len(CARD.labels)))


def train(folder: Path, settings: FitSettings, judge: Callable[[nn.Module], Judgement], **more: object) -> nn.Module:
    torch.manual_seed(settings.seed)
    net = Small()
    fit(net, CARD, make, settings, folder, judge=judge, **more)  # type: ignore[arg-type]
    return net


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def log(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("keep", "place"), [("best", 1), ("last", 3)])
def test_the_best_weights_are_kept_or_the_last(keep: str, place: int, tmp_path: Path) -> None:
    judge = Scripted(0.9, 0.3, 0.8, 0.5)
    net = train(tmp_path, replace(JUDGED, keep=keep), judge)
    assert same(net.state_dict(), judge.seen[place])
    assert not same(judge.seen[1], judge.seen[3])
    assert [line["validation_loss"] for line in log(tmp_path) if "validation_loss" in line] == judge.losses


def test_it_ends_when_nothing_gets_better_and_the_last_batch_is_always_judged(tmp_path: Path) -> None:
    tired = Scripted(0.5, 0.6, 0.7, 0.1)
    train(tmp_path / "a", replace(JUDGED, patience=2), tired)
    assert len(tired.seen) == 3
    once = Scripted(0.5)
    train(tmp_path / "b", replace(JUDGED, judge_every=0), once)
    assert len(once.seen) == 1


def test_a_resumed_run_remembers_its_best_and_its_patience(tmp_path: Path) -> None:
    class Cut(Scripted):
        def __call__(self, net: nn.Module) -> Judgement:
            if len(self.seen) == 2:
                raise RuntimeError
            return super().__call__(net)

    first = Cut(0.2, 0.6, 0.7, 0.5)
    with pytest.raises(RuntimeError):
        train(tmp_path, JUDGED, first)
    second = Scripted(0.9, 0.8)
    net = train(tmp_path, JUDGED, second, is_resumed=True)
    assert same(net.state_dict(), first.seen[0])
    assert [line["batch"] for line in log(tmp_path) if "loss" in line] == [1, 2, 3, 4]
    over = train(tmp_path, JUDGED, Scripted(), is_resumed=True)
    assert same(over.state_dict(), first.seen[0])


def test_the_classifier_alone_is_learned_first(tmp_path: Path) -> None:
    torch.manual_seed(JUDGED.seed)
    begun = Small().state_dict()
    judge = Scripted(0.5, 0.5, 0.5, 0.5)
    train(tmp_path, replace(JUDGED, head_batches=2, frozen_share=0.0), judge)
    for count, seen in enumerate(judge.seen, 1):
        changed = {name for name, value in seen.items() if not torch.equal(value, begun[name])}
        assert ("conv.weight" in changed) == (count > 2)
        assert ("norm.running_mean" in changed) == (count > 2)
        assert "classifier.weight" in changed


def test_a_class_of_no_weight_is_not_learned(tmp_path: Path) -> None:
    weights = np.ones(len(CARD.labels), np.float32)
    judge = Scripted(0.5)
    net = train(tmp_path / "a", replace(SETTINGS, streams=120, smoothing=0.0), judge, weights=weights)
    weights[3] = 0
    blind = train(tmp_path / "b", replace(SETTINGS, streams=120, smoothing=0.0), Scripted(0.5), weights=weights)

    def share(trained: nn.Module) -> float:
        clips = torch.from_numpy(np.stack([make((9, seed), 8, 1.0).frames for seed in range(20)]))
        logits, _ = trained.frames(clips.permute(0, 4, 1, 2, 3).float() / 255, trained.init_state(20), 1.0)
        return float((logits.argmax(-1) == 3).float().mean())

    assert share(net) > 0.2
    assert share(blind) == 0.0


def test_a_loss_that_is_no_number_ends_it_with_advice(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = Small()
    nn.init.constant_(net.classifier.bias, float("nan"))
    with pytest.raises(ModelError, match=r"the loss of batch 1 is nan; .*--rate"):
        fit(net, CARD, make, SETTINGS, tmp_path)


def test_a_half_written_line_of_the_log_is_cut_off(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for batch in range(4):
        folder.write({"batch": batch})
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"batch": 1, "lo')
    folder.cut(2)
    assert log(tmp_path) == [{"batch": 0}, {"batch": 1}, {"batch": 2}]
