"""Fine-tunes every layer of a network on clips, while its own former answers hold it to what it knows.

The loss of a frame has three parts: which row it shows, or none; how far the answers on the classes that were there
before are from the teacher's (Kullback-Leibler); and how far its features are from the teacher's. The teacher is the
network as it was. Batch norms stay frozen.

Kernels with norms folded in differ four-hundredfold in size, so one rate for all wrecks some before others move: each
parameter has a rate of its own, `rate` times the root of its mean square. What Adam steps by then is the same share of
every one.
"""

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stream.nets._movinet_specs import COUNT
from stream.nets.movinet import MoViNet
from stream.training.everyday.footage import Shot
from stream.training.runfolder import CHECKPOINT, RunFolder

FLOOR = 0.05
"""Least size of a parameter, for its rate: a bias near zero may move, too."""
LIMIT = 5.0
"""Largest norm of a batch's gradient."""
CARRIED = 0.6
"""Share of windows that begin with what the pools keep of another clip, as inside a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneSettings:
    """How it is tuned."""

    batches: int
    """Count; 0 leaves the network as it is."""
    batch: int = 6
    """Count: windows of a batch."""
    frames: int = 8
    """Count: frames of a window."""
    rate: float = 0.001
    """Share of its own size by which a parameter may move in a batch, at first; falls to 0 along a cosine."""
    seed: int = 1
    """Decides windows and augmentation."""
    warm: int = 10
    """Count: batches in which the rate rises."""
    save_every: int = 20
    """Count: batches from checkpoint to checkpoint."""
    answers: float = 1.0
    """What the distance of the answers counts."""
    features: float = 2.0
    """What the distance of the features counts."""


def tune(
    net: MoViNet,
    shots: Sequence[Shot],
    shares: dict[str, float],
    settings: TuneSettings,
    run: RunFolder,
    say: Callable[[str], None],
) -> None:
    """Tune the network in place; its classifier has the rows of `shares` already, below the classes of the teacher.

    Args:
        net: the network.
        shots: clips to learn from.
        shares: how often a window is of each row's clips; the rest of them is of all others.
        settings: how.
        run: where its checkpoints are, and the one that it goes on from.
        say: told how it goes.
    """  # fmt: skip
    loop = _Loop(net.eval(), shots, shares, settings)
    begin = loop.restore(run)
    for batch in range(begin, settings.batches):
        line = loop.step(batch)
        run.write({"batch": batch + 1, **line})
        if (batch + 1) % settings.save_every == 0 or batch + 1 == settings.batches:
            loop.save(run, batch + 1, is_over=batch + 1 == settings.batches)
            say(f"batch {batch + 1} of {settings.batches}: " + ", ".join(f"{k} {v:.3f}" for k, v in line.items()))


class _Loop:
    def __init__(self, net: MoViNet, shots: Sequence[Shot], shares: dict[str, float], settings: TuneSettings) -> None:
        self._net, self._settings, self._names = net, settings, tuple(shares)
        self._teacher = deepcopy(net).requires_grad_(requires_grad=False)
        self._classes = len(net.card.labels) - len(shares)
        self._piles = {name: [shot for shot in shots if shot.label == name] for name in shares}
        self._piles[""] = [shot for shot in shots if shot.label not in shares]
        self._shares = np.array([*shares.values(), 1 - sum(shares.values())])
        self._decay = net.card.decay
        moving = [value for name, value in net.named_parameters() if not name.endswith("norm.weight")]
        self._rates = [settings.rate * max(FLOOR, float(value.detach().square().mean().sqrt())) for value in moving]
        groups = [{"params": [value], "lr": rate} for value, rate in zip(moving, self._rates, strict=True)]
        self._optimiser = torch.optim.Adam(groups, betas=(0.9, 0.99))

    def step(self, batch: int) -> dict[str, float]:
        """Learn from one batch."""
        settings, rng = self._settings, np.random.default_rng((self._settings.seed, batch))
        share = min(1.0, (batch + 1) / settings.warm) * (0.5 + 0.5 * math.cos(math.pi * batch / settings.batches))
        for group, rate in zip(self._optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * share
        clips, truth, mask = self._windows(rng)
        with torch.no_grad():
            state = self._begin(rng)
            known, kept = _look(self._teacher, clips, state, self._decay)
        logits, features = _look(self._net, clips, state, self._decay)
        rows, before = logits[..., self._classes :], logits[..., : self._classes]
        said = torch.cat([rows, before.logsumexp(-1, keepdim=True)], -1)
        right = F.cross_entropy(said.flatten(0, 1), truth.flatten(), reduction="none")
        parts = {
            "rows": (right * mask.flatten()).sum() / mask.sum(),
            "answers": F.kl_div(
                before.log_softmax(-1), known[..., : self._classes].log_softmax(-1), reduction="none", log_target=True
            ).sum(-1).mean(),
            "features": (features - kept).square().mean() / kept.square().mean(),
        }  # fmt: skip
        self._descend(parts["rows"] + settings.answers * parts["answers"] + settings.features * parts["features"])
        return {name: round(float(part.detach()), 4) for name, part in parts.items()}

    def save(self, run: RunFolder, batch: int, *, is_over: bool) -> None:
        values = {"net": self._net.state_dict(), "optimiser": self._optimiser.state_dict(), "batch": batch}
        run.save(CHECKPOINT, {**values, "settings": repr(self._settings), "is_over": is_over})

    def restore(self, run: RunFolder) -> int:
        """Go on from a checkpoint of the same settings; return how many batches are done."""
        found = run.load(CHECKPOINT, torch.device("cpu"))
        if found is None or found["settings"] != repr(self._settings):
            return 0
        self._net.load_state_dict(found["net"])
        self._optimiser.load_state_dict(found["optimiser"])
        return int(found["batch"])

    def _descend(self, loss: Tensor) -> None:
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        nn.utils.clip_grad_norm_(self._net.parameters(), LIMIT)
        self._optimiser.step()

    def _windows(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Draw (B, 3, T, S, S) windows, (B, T) which row each frame shows, and (B, T) whether it counts."""
        clips, rows, masks = list[Tensor](), list[int](), list[Tensor]()
        for _ in range(self._settings.batch):
            row = int(rng.choice(len(self._shares), p=self._shares))
            pile = self._piles[(*self._names, "")[row]]
            shot = pile[int(rng.integers(len(pile)))]
            clip, count = _window(shot, self._settings.frames, rng)
            clips.append(clip)
            rows.append(row)
            at = torch.arange(self._settings.frames)
            masks.append(((at >= min(3, count - 1)) & (at < count)).float())
        truth = torch.tensor(rows)[:, None].expand(-1, self._settings.frames)
        return torch.stack(clips), truth, torch.stack(masks)

    def _begin(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """Return the state that windows begin with: of most, what pools keep of another clip, as within a stream."""
        state = self._net.init_state(self._settings.batch)
        pools = [name for name in state if name == COUNT or name.endswith("pool_buffer")]
        carried = torch.from_numpy(rng.random(self._settings.batch) < CARRIED)
        if carried.any():
            past = _look_state(self._teacher, self._windows(rng)[0][:, :, -4:], self._decay)
            for name in pools:
                steady = past[name] / past[COUNT] / (1 - self._decay)
                state[name] = torch.where(carried.view(-1, 1, 1, 1), steady, state[name])
        return state


def _look(net: MoViNet, clips: Tensor, state: dict[str, Tensor], decay: float) -> tuple[Tensor, Tensor]:
    """Return the (B, T, K) logits and (B, T, C) pooled features after every frame."""
    features, _ = net._features(clips, state, decay)  # the same room of training looks into its net
    logits = net._classify(features.flatten(0, 1))
    return logits.view(*features.shape[:2], -1), features.flatten(2)


def _look_state(net: MoViNet, clips: Tensor, decay: float) -> dict[str, Tensor]:
    return dict(net(clips, net.init_state(len(clips)), decay)[1])


def _window(shot: Shot, frames: int, rng: np.random.Generator) -> tuple[Tensor, int]:
    """Cut a window out of a clip, zoomed, mirrored and brightened by chance; a short clip holds its last frame.

    Returns:
        (3, T, S, S) in [0, 1], and how many frames are the clip's.
    """
    first = int(rng.integers(max(1, len(shot.frames) - frames + 1)))
    cut = shot.frames[first : first + frames]
    side_px, count = cut.shape[1], len(cut)
    cut = cut[np.minimum(np.arange(frames), count - 1)]
    size = round(side_px * float(rng.uniform(0.7, 1.0)))
    top, left = (int(rng.integers(side_px - size + 1)) for _ in range(2))
    clip = torch.from_numpy(np.ascontiguousarray(cut[:, top : top + size, left : left + size])).permute(0, 3, 1, 2)
    clip = F.interpolate(clip.float() / 255, (side_px, side_px), mode="bilinear", align_corners=False)
    if rng.random() < 0.5:
        clip = clip.flip(3)
    return clip.clamp(0, 1).pow(math.exp(rng.normal(0, 0.25))).transpose(0, 1), count
