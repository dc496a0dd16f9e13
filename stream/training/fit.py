"""Trains a network on streams: AdamW, cosine, one loss per frame; keeps the best by validation; goes on after a kill.

A stream is longer than what is learned at once: its parts follow each other with the state carried over, so that the
middle of a stream looks like its middle.
"""

import copy
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from stream.cards import Card
from stream.errors import ModelError
from stream.nets.base import TensorState
from stream.play import gestures
from stream.training import transfer
from stream.training.runfolder import BEST, CHECKPOINT, RunFolder
from stream.training.stopping import Course, Patience, Stopped, told_to_stop
from stream.training.streams import FitSettings, Make, batches
from stream.training.validation import Judgement
from stream.types import Array

Judge = Callable[[nn.Module], Judgement]
"""Judges a net on clips held out."""


def fit(
    net: nn.Module,
    card: Card,
    make: Make,
    settings: FitSettings,
    folder: Path,
    *,
    is_resumed: bool = False,
    weights: Array | None = None,
    judge: Judge | None = None,
) -> Course:
    """Train `net` in place, where it is: on a processor, or on a GPU.

    Ctrl-C ends it after the batch under way, with a checkpoint.

    Args:
        net: as `stream.nets` builds it; has `frames`.
        card: its card; says how fast it forgets.
        make: the data.
        settings: how.
        folder: of the run: `log.jsonl`, `checkpoint.pt` and `best.pt` are kept there; those of another run go, unless
            it is resumed.
        is_resumed: go on from the folder's checkpoint, when there is one.
        weights: (K,) how much a frame of each class counts; by default as `settings.quiet_weight` says.
        judge: judges the net on clips held out; None keeps the last weights, whatever `settings.keep` says.

    Raises:
        ModelError: the checkpoint is of other settings, or the loss is no longer a number.
        Stopped: Ctrl-C; what was learned is saved, and the net holds it as it would at the end.
    """
    run = _Run(net, card, settings, folder, weights, judge)
    run.resume() if is_resumed else RunFolder(folder).clear()
    with told_to_stop() as is_stopped, _progress(is_shown=not run.is_over) as bar:
        task = bar.add_task("training", total=run.batches, completed=run.done, loss=math.nan, accuracy=math.nan)
        for clip, labels in () if run.is_over else batches(make, settings, run.done):
            run.learn(clip, labels)
            bar.update(task, completed=run.done, loss=run.figures["loss"], accuracy=run.figures["accuracy"])
            if is_stopped():
                run.finish(is_over=run.is_over)
                raise Stopped(run.course)
            if run.is_over:
                break
    run.finish()
    return run.course


class _Run:
    """A training under way."""

    def __init__(
        self,
        net: nn.Module,
        card: Card,
        settings: FitSettings,
        folder: Path,
        weights: Array | None,
        judge: Judge | None,
    ) -> None:
        net = net.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._net, self._card, self._settings, self._folder = net, card, settings, RunFolder(folder)
        self._device, self._judge = next(net.parameters()).device, judge
        self.figures = {"loss": math.nan, "accuracy": math.nan}
        self._patience = Patience(settings.patience)
        self.batches = settings.streams // settings.batch
        self.done, self.seconds, self._began = 0, 0.0, time.monotonic()
        self._optimizer = torch.optim.AdamW(_groups(net, settings.weight_decay), lr=settings.rate)
        self._weights = _class_weights(card, settings, weights).to(self._device)
        self._loss = nn.CrossEntropyLoss(
            self._weights, ignore_index=gestures.IGNORE, label_smoothing=settings.smoothing, reduction="sum"
        )
        count = 1 if self._device.type == "cuda" else settings.threads
        self._replicas = [net, *(_replica(net) for _ in range(count - 1))]
        self._averaged = AveragedModel(net, multi_avg_fn=self._average, use_buffers=True)
        self._parts: dict[str, Any] = {"net": net, "averaged": self._averaged, "optimizer": self._optimizer}
        self._pool = ThreadPoolExecutor(count)

    @property
    def is_over(self) -> bool:
        """All was seen, or the validation got no better for long enough."""
        return self.done >= self.batches or self._patience.is_exhausted

    @property
    def course(self) -> Course:
        """How it went so far."""
        is_early = self.done < self.batches and self._patience.is_exhausted
        return Course(self.seconds / 3600, self.done, self._patience.best_at, self._patience.best, is_early)

    def learn(self, clip: Tensor, labels: Tensor) -> None:
        """Take one step of the optimizer for every part of a batch of streams."""
        self._schedule()
        self._freeze()
        clip, labels = clip.to(self._device), labels.to(self._device)
        told = labels != gestures.IGNORE
        shards = list(
            zip(self._replicas, clip.chunk(len(self._replicas)), labels.chunk(len(self._replicas)), strict=True)
        )
        states: list[TensorState] = [self._init_state(net, len(rows)) for net, rows, _ in shards]
        loss = right = 0.0
        for begin in range(0, clip.shape[1], self._settings.frames):
            part = slice(begin, begin + self._settings.frames)
            weight = 1.0 / max(1.0, float((self._weights[labels[:, part]] * told[:, part]).sum()))
            jobs = [
                self._pool.submit(self._learn_shard, net, rows[:, part], truth[:, part], state, weight)
                for (net, rows, truth), state in zip(shards, states, strict=True)
            ]
            losses, rights, states = (list(column) for column in zip(*(job.result() for job in jobs), strict=True))
            loss, right = loss + sum(losses) / self._settings.parts, right + sum(rights)
            self._step()
        if not math.isfinite(loss):
            raise ModelError(f"the loss of batch {self.done + 1} is {loss}; a lower learning rate may help: --rate")
        self.done += 1
        self.figures = {"loss": loss, "accuracy": right / max(1, int(told.sum()))}
        self._write(self.figures)
        self._look()

    def _init_state(self, net: nn.Module, rows: int) -> TensorState:
        return {name: value.to(self._device) for name, value in cast(Any, net).init_state(rows).items()}

    def _freeze(self) -> None:
        """At first, learn the classifier alone, if so asked; from a share of the streams on, let norms see no more."""
        is_head_only = self.done < self._settings.head_batches
        is_late = self.done >= (1 - self._settings.frozen_share) * self.batches
        for net in self._replicas:
            for name, parameter in net.named_parameters():
                parameter.requires_grad_(not is_head_only or name.startswith(transfer.CLASSIFIER))
            for module in net.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.train(not (is_late or is_head_only))

    def _look(self) -> None:
        """Judge where it is time to, keep the best, and save where it is time to."""
        settings = self._settings
        is_due = self.done == self.batches or (settings.judge_every and self.done % settings.judge_every == 0)
        if self._judge and is_due:
            found = self._judge(self._averaged.module)
            self._write({"validation_loss": found.loss, "validation_accuracy": found.accuracy})
            if self._patience.look(found.loss, self.done):
                self._folder.save(BEST, self._averaged.module.state_dict())
            self.save()
        elif self.done % settings.save_every == 0:
            self.save()

    def finish(self, *, is_over: bool = True) -> None:
        """Save, and leave in the network the average of its weights: the best, or the last; `is_over` as `save`."""
        self.save(is_over=is_over)
        found = self._averaged.module.state_dict()
        if self._judge and self._settings.keep == "best":
            found = self._folder.load(BEST, self._device) or found
        self._net.load_state_dict(found)
        self._net.requires_grad_(True).eval()

    def _learn_shard(
        self, net: nn.Module, clip: Tensor, truth: Tensor, state: TensorState, weight: float
    ) -> tuple[float, int, TensorState]:
        """Add one shard's gradient; runs in a thread of its own and computes in that thread alone."""
        torch.set_num_threads(1)
        x = clip.permute(0, 4, 1, 2, 3).float() / 255  # (B, 3, T, S, S)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            logits, after = cast(Any, net).frames(x, state, self._card.decay)
        loss: Tensor = self._loss(logits.float().flatten(0, 1), truth.flatten()) * weight
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        right = int(((logits.argmax(-1) == truth) & (truth != gestures.IGNORE)).sum())
        return float(loss.detach()), right, {name: value.detach() for name, value in after.items()}

    def _step(self) -> None:
        """Sum the replicas' gradients, average what their norms have seen, and take a step."""
        for parameter, *others in zip(*(net.parameters() for net in self._replicas), strict=True):
            for other in others:
                if other.grad is not None:
                    parameter.grad += other.grad
                other.grad = None
        for buffer, *others in zip(*(net.buffers() for net in self._replicas), strict=True):
            if buffer.is_floating_point():
                buffer.copy_(torch.stack([buffer, *others]).mean(0))
            for other in others:
                other.copy_(buffer)
        nn.utils.clip_grad_norm_(self._net.parameters(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._averaged.update_parameters(self._net)

    def _average(self, averaged: Sequence[Tensor], current: Sequence[Tensor], count: Tensor | int) -> None:
        """Move the average towards the weights: by less and less, since the first ones are soon worth nothing."""
        keep = min(self._settings.averaging, (1 + int(count)) / (10 + int(count)))
        for mean, value in zip(averaged, current, strict=True):
            mean.copy_(torch.lerp(mean, value, 1 - keep) if mean.is_floating_point() else value)

    def _schedule(self) -> None:
        """Warm up over the first twentieth, then fall along a cosine."""
        share, warm = self.done / self.batches, 0.05
        factor = (share + 0.002) / warm if share < warm else 0.5 * (1 + math.cos(math.pi * (share - warm) / (1 - warm)))
        for group in self._optimizer.param_groups:
            group["lr"] = self._settings.rate * min(1.0, factor)

    def _write(self, figures: dict[str, float]) -> None:
        seconds = self.seconds + time.monotonic() - self._began
        line = {"batch": self.done, "streams": self.done * self._settings.batch, "seconds": round(seconds, 1)}
        self._folder.write(line | figures)

    def save(self, *, is_over: bool = False) -> None:
        """Write a checkpoint; `is_over` says that nothing is left to learn."""
        now = time.monotonic()
        self.seconds, self._began = self.seconds + now - self._began, now
        parts = {name: part.state_dict() for name, part in self._parts.items()}
        numbers = {"done": self.done, "seconds": self.seconds, "patience": asdict(self._patience), "is_over": is_over}
        self._folder.save(CHECKPOINT, parts | numbers | {"settings": asdict(self._settings)})

    def resume(self) -> None:
        """Take up the folder's checkpoint, if there is one; what the log says of later batches is cut off."""
        values = self._folder.load(CHECKPOINT, self._device)
        if values is None:
            return
        if differing := self._settings.differing(values["settings"]):
            raise ModelError(
                f"{self._folder.path} was begun with {differing}; accepted: what it was begun with, or another --out"
            )
        for name, part in self._parts.items():
            part.load_state_dict(values[name])
        for replica in self._replicas[1:]:
            replica.load_state_dict(values["net"])
        self.done, self.seconds = values["done"], values["seconds"]
        self._patience = Patience(**values["patience"])
        self._folder.cut(self.done)


def _class_weights(card: Card, settings: FitSettings, weights: Array | None) -> Tensor:
    if weights is not None:
        return torch.from_numpy(weights)
    quiet = torch.ones(len(card.labels))
    quiet[0] = settings.quiet_weight
    return quiet


def _replica(net: nn.Module) -> nn.Module:
    """Copy a network that shares its weights' memory but has gradients of its own."""
    copied = copy.deepcopy(net)
    for own, shared in zip(copied.parameters(), net.parameters(), strict=True):
        own.data = shared.data
    return copied


def _groups(net: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Let weights decay, but not biases, norms and the blocks' scales."""
    matrices = [p for p in net.parameters() if p.ndim > 1]
    rest = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def _progress(*, is_shown: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}  accuracy {task.fields[accuracy]:.3f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not is_shown,
    )
