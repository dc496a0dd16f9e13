"""From a Kinetics model and footage to `everyday-a0`: tune every layer, or none, then fit the rows that it lacks.

Without tuning, nothing of the Kinetics model changes, so what is written is the rows alone: `stream/hub/additions.py`.
With it, all of the network is another, and the model is written whole.
"""

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stream import cards, exporters, rooms, weights
from stream.cards import Card
from stream.errors import UsageError
from stream.hub import additions
from stream.hub.additions import Addition, Rows
from stream.nets.movinet import MoViNet
from stream.training import datasets, recipes
from stream.training.everyday import footage, labels, rows
from stream.training.everyday.footage import Shot
from stream.training.everyday.rows import Frames
from stream.training.everyday.tune import TuneSettings, tune
from stream.training.runfolder import RunFolder

SHARES = {"fight": 0.35, "fall": 0.1}
"""How often a clip of a stream, or a window, is of each row; the rest is of everything else."""
WEIGHTS = (1.0, 0.3, 1.0)
"""What fights, falls and everything else count in the fit of the rows."""
STREAMS, CLIPS = 30, 60
"""Count: streams that the rows are fitted on, and clips of each."""
LICENCE = "Apache-2.0"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to make, and where."""

    begin: str
    """The Kinetics model, or that model with the rows."""
    footage: Path
    """A data set; clips labelled as a row teach it, all others what it is not. Only its train part is learned from."""
    videos: Path | None
    """Where its videos are, when not beside it."""
    out: Path
    """The card to write."""
    run: Path
    """Folder of the run's log and checkpoints."""
    settings: TuneSettings
    """How it is tuned."""
    threads: int
    """Count of threads that compute."""
    command: str
    """What was typed, for the card."""
    is_resumed: bool = False
    is_forced: bool = False


def train(order: Order, say: Say) -> Card:
    """Make it; return its card, which lies beside its weights or, without tuning, beside its rows.

    Raises:
        UsageError: the footage lacks a row or anything else, or the place is taken.
        ModelError: the model to begin with is no Kinetics MoViNet of streams.
    """
    recipes.check_place(order.run, order.out, is_resumed=order.is_resumed, is_forced=order.is_forced)
    torch.set_num_threads(order.threads)
    base = _base(order.begin)
    if (has_rows := set(labels.ROWS) <= set(base.labels)) and not order.settings.batches:
        raise UsageError(f"{order.begin} has these rows already; accepted: --batches 1 or more, or a model without")
    samples = datasets.read(order.footage, order.videos)
    learned = [sample for sample in samples if sample.subset in ("", "train")]
    _check(order.footage, {sample.label for sample in learned})
    say(f"decoding {len(learned)} clips")
    shots = list(footage.read(learned, base))
    if has_rows:
        wide, net = base, _net(base)
    else:
        found = _fit(_net(base), shots, order.settings.seed)
        if not order.settings.batches:
            return _frozen(order, base, found)
        wide = _wide(base, found)
        net = _net(wide, found)
    run = RunFolder(order.run)
    if not order.is_resumed:
        run.clear()
    tune(net, shots, SHARES, order.settings, run, say)
    return _whole(order, wide, net)


def _base(name: str) -> Card:
    card = cards.load(name)
    needed = {one for found in labels.SETS.values() for one in found} - set(labels.ROWS)
    if card.kind != "stream" or (lost := needed - set(card.labels)):
        what = f"is a {card.kind} net" if card.kind != "stream" else f"lacks {min(lost)!r}"
        raise UsageError(f"--from {name} {what}; accepted: a stream model of Kinetics-600")
    return replace(card, memory_s=labels.MEMORY_S)


def _check(path: Path, known: set[str]) -> None:
    if lost := [name for name in labels.ROWS if name not in known]:
        raise UsageError(f"{path} has no clip of {lost[0]!r} to learn from; accepted: {', '.join(labels.ROWS)}, others")
    if not known - set(labels.ROWS):
        raise UsageError(f"{path} has nothing but {', '.join(labels.ROWS)}; accepted: clips of something else, too")


def _wide(base: Card, found: Rows) -> Card:
    """Return the card of the base with more classes."""
    return replace(base, labels=(*base.labels, *found.names), **labels.CARD)


def _net(card: Card, found: Rows | None = None) -> MoViNet:
    """Build the network of the base's weights, with rows below its classifier's own."""
    net: MoViNet = rooms.find("nets", card.architecture).build(card)
    values = weights.read_state_dict(card.read_weights())
    if found:
        values = {name: torch.from_numpy(value) for name, value in additions.joined(_arrays(values), found).items()}
    weights.load(net, values)
    return net.eval()


def _arrays(values: dict[str, Tensor]) -> dict[str, Any]:
    return {name: value.numpy() for name, value in values.items()}


def _fit(net: MoViNet, shots: Sequence[Shot], seed: int) -> Rows:
    """Fit the rows on streams of joined clips, with states as they are within streams."""
    features = [_features(net, shot) for shot in shots]
    rng, parts = np.random.default_rng(seed), list[Frames]()
    truth = np.array([(*labels.ROWS, shot.label).index(shot.label) for shot in shots])  # R: none of the rows
    for _ in range(STREAMS):
        places = _drawn(truth, rng)
        means = rows.pooled([features[place] for place in places], net.card.decay)
        keep = np.concatenate([np.arange(len(features[place])) >= rows.YOUNG for place in places])
        shown = np.concatenate([np.full(len(features[place]), truth[place]) for place in places])
        parts.append(_frames(net, means[keep], shown[keep]))
    whole = (np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(Frames))
    return rows.fit(Frames(*whole), labels.ROWS, WEIGHTS)


def _drawn(truth: np.ndarray[Any, Any], rng: np.random.Generator) -> list[int]:
    """Draw the clips of a stream: rows by their shares, all others alike."""
    piles = [np.flatnonzero(truth == row) for row in range(len(labels.ROWS) + 1)]
    shares = [SHARES[name] for name in labels.ROWS]
    drawn = rng.choice(len(piles), CLIPS, p=[*shares, 1 - sum(shares)])
    return [int(rng.choice(piles[row])) for row in drawn]


@torch.no_grad()
def _features(net: MoViNet, shot: Shot) -> np.ndarray[Any, Any]:
    """Return (T, C) features of every frame, before the head's pool."""
    state, found = net.init_state(), list[Tensor]()
    for first in range(0, len(shot.frames), 16):
        part = np.ascontiguousarray(shot.frames[first : first + 16].transpose(3, 0, 1, 2)[None])
        pooled, state = net._features(torch.from_numpy(part).float() / 255, state, 0.0)  # pools nothing
        found.append(pooled[0, :, :, 0, 0])
    return torch.cat(found).numpy()


@torch.no_grad()
def _frames(net: MoViNet, means: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> Frames:
    hidden = net.embed(torch.from_numpy(means)[..., None, None])
    own = [place for place, name in enumerate(net.card.labels) if name not in labels.ROWS]
    logits = net.classifier(hidden).flatten(1)[:, own]
    return Frames(hidden.flatten(1).numpy(), logits.logsumexp(1).numpy(), truth)


def _frozen(order: Order, base: Card, found: Rows) -> Card:
    """Write the rows and what else is added to the card."""
    addition = Addition(found, dict(labels.CARD), _story(order, base))
    additions.write(order.out, addition)
    return replace(_wide(base, found), name=order.out.stem, path=order.out, weights="", sha256="")


def _whole(order: Order, wide: Card, net: MoViNet) -> Card:
    card = replace(
        wide, name=order.out.stem, dtype="int8", licence=LICENCE, measured={}, training=_story(order, wide),
        source=f"made by this project with stream-train, beginning with {wide.name}", path=None,
    )  # fmt: skip
    values = {name: value for name, value in _arrays(net.state_dict()).items() if not name.endswith("_tracked")}
    order.out.parent.mkdir(parents=True, exist_ok=True)
    return exporters.store(card, values, order.out.parent)


def _story(order: Order, base: Card) -> dict[str, Any]:
    return {
        "command": order.command,
        "begun_with": f"{base.name}, SHA-256 {base.sha256} of its weights as they are stored",
        **(
            {"begun_with_file": f"SHA-256 {file}"}
            if (file := base.measured.get("import", {}).get("file_sha256"))
            else {}
        ),
        "footage": "stream-train names it; its terms are in docs/models.md",
        "machine": f"{order.threads} threads, {platform.machine()}, torch {torch.__version__}",
        "settings": asdict(order.settings),
    }
