"""State dicts as the PyTorch port's files hold them, built from a manifest of their names and shapes."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch

NORM = ("weight", "bias", "running_mean", "running_var")
Shapes = dict[str, tuple[int, ...]]


class Model(NamedTuple):
    name: str
    count: int
    digest: str
    stem: int
    conv7: int
    dense: int
    blocks: list[tuple[str, list[int | None]]]

    @property
    def kind(self) -> str:
        return self.name.split("-")[1]

    @property
    def variant(self) -> str:
        return self.name.split("-")[0]


def models() -> dict[str, Model]:
    lines = Path(__file__).with_name("port.txt").read_text().splitlines()
    return {line.split()[0]: _parse(line) for line in lines if not line.startswith("#")}


def _parse(line: str) -> Model:
    name, count, digest, stem, conv7, dense, rest = line.split(maxsplit=6)
    blocks = [
        (f"b{stage}_l{layer}", [None if value == "-" else int(value) for value in block.split(",")])
        for stage, run in enumerate(rest.split(" / "))
        for layer, block in enumerate(run.split())
    ]
    return Model(name, int(count), digest, int(stem), int(conv7), int(dense), blocks)


def shapes(model: Model, classes: int = 600) -> Shapes:
    """Name -> shape of every entry."""
    flat = model.kind == "stream"
    conv, one = ("conv2d", ()) if flat else ("conv3d", (1,))

    def layer(name: str, size: tuple[int, ...], half: int = 1) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield f"{name}.conv_{half}.{conv}.weight", size
        yield from ((f"{name}.conv_{half}.norm.{leaf}", (size[0],)) for leaf in NORM)
        yield f"{name}.conv_{half}.norm.num_batches_tracked", ()

    def plain(name: str, outputs: int, inputs: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield f"{name}.conv_1.{conv}.weight", (outputs, inputs, *one, 1, 1)
        yield f"{name}.conv_1.{conv}.bias", (outputs,)

    found = dict(layer("conv1", (model.stem, 3, *one, 3, 3)))
    for block, (inputs, expand, outputs, taps, kernel, squeezed, skip) in model.blocks:
        base = f"blocks.{block}"
        deep = (expand, 1, kernel, kernel) if flat else (expand, 1, taps, kernel, kernel)
        found |= layer(f"{base}.expand", (expand, inputs, *one, 1, 1))
        found |= layer(f"{base}.deep", deep)
        if flat and taps > 1:
            found |= layer(f"{base}.deep", (expand, 1, taps, 1), half=2)
        found |= plain(f"{base}.se.fc1", squeezed, expand * (2 if flat else 1))
        found |= plain(f"{base}.se.fc2", expand, squeezed)
        found |= layer(f"{base}.project", (outputs, expand, *one, 1, 1))
        if skip is not None:
            found |= layer(f"{base}.res.{skip}", (outputs, inputs, *one, 1, 1))
        found[f"{base}.alpha"] = ()
    found |= layer("conv7", (model.conv7, outputs, *one, 1, 1))
    found |= plain("classifier.0", model.dense, model.conv7)
    return found | dict(plain("classifier.3", classes, model.dense))


def digest(found: Shapes) -> str:
    lines = (f"{name} {'x'.join(map(str, shape))}\n" for name, shape in sorted(found.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def state_dict(model: Model, classes: int = 600) -> dict[str, torch.Tensor]:
    """Random weights that let a signal through."""
    random = torch.Generator().manual_seed(0)
    return {name: _value(name, shape, random) for name, shape in shapes(model, classes).items()}


def _value(name: str, shape: tuple[int, ...], random: torch.Generator) -> torch.Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(1000)
    if name.endswith(("norm.weight", "running_var", "alpha")):
        return torch.empty(shape).uniform_(0.5, 1.5, generator=random)
    fan_in = max(1, int(torch.tensor(shape[1:]).prod())) if len(shape) > 1 else 4
    return torch.randn(shape, generator=random) * fan_in**-0.5
