"""What this project adds to a model that it does not ship: label sets, thresholds, and rows for classes that it lacks.

An addition is two small files: NAME.toml, the fields of the card, and NAME.npz, the rows of the classifier as float16.
Joined with the weights as they come it makes an ordinary model of more classes. Needs numpy only.
"""

import hashlib
import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from stream import cards
from stream.cards import Card
from stream.errors import ModelError
from stream.types import Array

CLASSIFIER = ("classifier.weight", "classifier.bias")
"""Names of the last layer's parameters: (K, C, 1, 1) and (K,)."""
MAX_BYTES = 10_000_000
"""Of a file of rows; a larger one is refused."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Classes that are put below a classifier's own."""

    names: tuple[str, ...]
    """(R,) what they are called."""
    weights: Array
    """(R, C) float32, on what the classifier is given."""
    bias: Array
    """(R,) float32."""


@dataclass(frozen=True, slots=True)
class Addition:
    """What is put to a model."""

    rows: Rows
    """More classes."""
    fields: dict[str, Any]
    """Fields of the card, which name labels of both."""
    training: dict[str, Any] = field(default_factory=dict)
    """How the rows were made."""

    def join(self, card: Card, weights: Mapping[str, Array]) -> tuple[Card, dict[str, Array]]:
        """Return the card and the weights of the model with its addition.

        Raises:
            ModelError: the model's classifier takes another count of features, or the card has one of the classes.
        """
        if both := set(self.rows.names) & set(card.labels):
            raise ModelError(f"card {card.name!r} has {min(both)!r} already; accepted: the model without the addition")
        wide = replace(card, labels=(*card.labels, *self.rows.names), training=self.training, **self.fields)
        return wide, joined(weights, self.rows)


def joined(weights: Mapping[str, Array], rows: Rows) -> dict[str, Array]:
    """Put rows below a classifier's own.

    Raises:
        ModelError: the classifier takes another count of features.
    """
    kernel, bias = (np.asarray(weights[name], np.float32) for name in CLASSIFIER)
    if kernel.shape[1] != rows.weights.shape[1]:
        raise ModelError(f"the rows are of {rows.weights.shape[1]} features, the model has {kernel.shape[1]}")
    kernel = np.concatenate([kernel, rows.weights[..., None, None].astype(np.float32)])
    return {**weights, CLASSIFIER[0]: kernel, CLASSIFIER[1]: np.concatenate([bias, rows.bias.astype(np.float32)])}


def write(path: Path, addition: Addition) -> None:
    """Write NAME.toml and beside it NAME.npz."""
    content = io.BytesIO()
    np.savez(content, weights=addition.rows.weights.astype(np.float16), bias=addition.rows.bias.astype(np.float32))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".npz").write_bytes(content.getvalue())
    table = {
        "rows": addition.rows.names,
        "sha256": hashlib.sha256(content.getvalue()).hexdigest(),
        "fields": addition.fields,
        "training": addition.training,
    }
    path.write_text(tomli_w.dumps(table), "utf-8")


def read(path: Path) -> Addition:
    """Read an addition, its rows checked by their hash before they are parsed.

    Raises:
        ModelError: a file is missing, damaged, or not what it should be; says which.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        content = path.with_suffix(".npz").read_bytes()
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is no addition: {error}") from error
    if len(content) > MAX_BYTES or (found := hashlib.sha256(content).hexdigest()) != table.get("sha256"):
        wanted = table.get("sha256", "nothing")
        raise ModelError(f"{path.with_suffix('.npz')} has SHA-256 {found}, its table says {wanted}: refused")
    with np.load(io.BytesIO(content), allow_pickle=False) as values:
        weights, bias = values["weights"].astype(np.float32), values["bias"].astype(np.float32)
    names = tuple(table["rows"])
    if weights.ndim != 2 or bias.shape != (len(weights),) or len(names) != len(weights):
        raise ModelError(f"{path}: {len(names)} rows, {weights.shape} weights and {bias.shape} biases do not fit")
    return Addition(Rows(names, weights, bias), _fields(table["fields"]), table.get("training", {}))


def shipped(name: str) -> Path:
    """Return where the addition of a model of the catalogue is."""
    return cards.SHIPPED / "additions" / f"{name}.toml"


def _fields(table: dict[str, Any]) -> dict[str, Any]:
    """Return fields of a card as `Card` has them."""
    found = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    sets = {label: tuple(value) for label, value in table.get("label_sets", {}).items()}
    return found | ({"label_sets": sets} if sets else {})
