"""From a file of any known format to a proved card in the cache."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stream import cache, cards, catalogue, downloads, ensemble, exporters, importers, labels, proof
from stream.cards import Card
from stream.catalogue import Entry
from stream.downloads import Progress, Remote
from stream.errors import ModelError, UnknownPart, UsageError
from stream.importers.base import Reading, needed_gate
from stream.nets._movinet_identity import identify

KINETICS_600 = "kinetics-600"
"""A list of labels that ships: of Google's project, 600 classes."""

Say = Callable[[str], None]
"""Takes a sentence on what is being done."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to make of a file."""

    name: str
    """What the model will be called."""
    given: Mapping[str, Any]
    """Fields of the card that the user, or the catalogue, knows; they beat what the file tells."""
    labels: str = ""
    """A file of labels, or "kinetics-600"; else what the file carries, or kinetics-600 where it has 600 classes."""
    dtype: str = "float32"
    """How the weights are stored."""
    is_forced: bool = False
    """Replace a model of that name."""


def pull(
    name: str, *, dtype: str = "float32", file: Path | None = None, address: str = "", progress: Progress, say: Say
) -> Card:
    """Bring a model of the catalogue here: download, check, import.

    Args:
        name: of `catalogue.ENTRIES`.
        dtype: how the weights are stored.
        file: already fetched by hand; it must pass the same check.
        address: another place of the same file.
        progress: shown how far the download is.
        say: told what is being done.

    Raises:
        UnknownPart: no such model to be pulled; lists them.
        DownloadError: it cannot be fetched, or is another file.
        ModelError: the file is not what it should be; nothing of the user's is changed.
    """
    entry = catalogue.ENTRIES.get(name)
    if entry is None:
        raise UnknownPart("model to pull", name, catalogue.ENTRIES)
    if entry.members and (file or address):
        raise UsageError(
            f"{name} has no file: it is the mean of {' and '.join(entry.members)}; pull these, each with its own"
        )
    if entry.members:
        return _pull_ensemble(entry, dtype=dtype, progress=progress, say=say)
    with cache.locked(name):
        if name in cache.names() and file is None:
            card = _whole(name, say)
            if card and card.dtype == dtype:
                say(f"{name} is here already")
                return card
        order = Order(name, _given(entry), KINETICS_600, dtype)
        remote = Remote(address or entry.address, entry.git_blob)
        if file:
            downloads.check(file, remote)
            return _bring(str(file), order, say)
        part = downloads.fetch(remote, cache.downloads() / f"{name}.part", progress)
        card = _bring(str(part), order, say)
        for left in (part, part.with_suffix(".etag")):
            left.unlink(missing_ok=True)
        return card


def bring(source: str, order: Order, say: Say) -> Card:
    """Import a file, a folder or a TensorFlow Hub handle as `order.name`.

    Returns:
        The card, in the cache, with what was measured.

    Raises:
        UsageError: it is nothing that can be imported, or does not tell something that must be given.
        MissingDependency: a package the format needs is not installed.
        ModelError: it is damaged, or of another network.
        ParityError: what it computes is not what our network computes; names the first layer that differs.
    """
    if order.name in cards.shipped():
        raise UsageError(f"{order.name!r} is a model that ships; choose another name")
    if order.name in catalogue.ENTRIES:
        raise UsageError(f"{order.name!r} is what `stream-models pull` brings; choose another name")
    with cache.locked(order.name):
        cache.check_free(order.name, is_forced=order.is_forced)
        return _bring(source, order, say)


def _whole(name: str, say: Say) -> Card | None:
    """Return a model that is here, unless its card or its weights are damaged."""
    try:
        card = cards.load(name)
        card.read_weights()
    except ModelError as error:
        say(f"{error}; it is brought again")
        return None
    return card


def _given(entry: Entry) -> dict[str, Any]:
    known = {"variant": entry.variant, "kind": entry.kind, "licence": entry.licence, "source": entry.source}
    return known | ({"gate": entry.gate} if entry.gate else {})


def _pull_ensemble(entry: Entry, *, dtype: str, progress: Progress, say: Say) -> Card:
    members = [pull(member, dtype=dtype, progress=progress, say=say) for member in entry.members]
    return ensemble.join(entry.name, members, entry.variant, is_forced=True)


def _bring(source: str, order: Order, say: Say) -> Card:
    importer = importers.find(source)
    say(f"reading {importer.KIND}")
    reading: Reading = importer.read(source, order.given)
    card, told = _card(source, reading, order)
    measured: dict[str, Any] = {"import": {"note": reading.note}}
    if reading.reference:
        say(f"comparing with {reading.reference.name} over {proof.FRAMES} frames")
        found = proof.prove(card, reading, reading.reference, told)
        card = found.card
        measured["import"] = {
            "reference": found.reference,
            "frames": proof.FRAMES,
            "largest_difference": float(f"{found.difference:.2g}"),
        }
    elif card.kind == "stream" and "gate" not in told:
        needed_gate(card.kind, order.given)
    if order.dtype != "float32":
        reading, measured["storage"] = proof.stored(card, reading, order.dtype)
    say("writing it, and comparing the file with PyTorch")
    return _keep(replace(card, dtype=order.dtype, measured=measured), reading)


def _card(source: str, reading: Reading, order: Order) -> tuple[Card, set[str]]:
    """Return the card as far as it is known, and the names of the fields that the file, or somebody, told."""
    variant, kind, classes = identify(reading.weights)
    for name, found in (("variant", variant), ("kind", kind)):
        if order.given.get(name, found) != found:
            raise UsageError(f"{source} is a {variant} {kind} net; {name} {order.given[name]!r} was asked for")
    told = {**reading.facts, **order.given}
    usual = {
        "side_px": catalogue.SIDES_PX[variant],
        "fps": catalogue.RATES_FPS[variant],
        "trained_frames": round(catalogue.RATES_FPS[variant] * catalogue.SECONDS),
        "gate": "relu6" if kind == "stream" else "sigmoid",
        "source": f"imported from {Path(source).name}",
        "memory_s": math.inf,
    }
    names = _labels(order.labels, reading.facts.get("labels"), classes)
    fields = usual | told | {"variant": variant, "kind": kind, "labels": names}
    return Card(
        name=order.name, architecture="movinet", **{key: fields[key] for key in fields if key != "architecture"}
    ), set(told)


def _labels(wanted: str, carried: tuple[str, ...] | None, classes: int) -> tuple[str, ...]:
    if wanted and wanted != KINETICS_600:
        return labels.read(Path(wanted), classes)
    if carried and not wanted:
        return carried
    if classes == 600 or wanted:
        return labels.read(cards.SHIPPED / f"{KINETICS_600}.txt", classes)
    raise UsageError(f"the file does not say what its {classes} classes are called: --labels FILE, one a line")


def _keep(card: Card, reading: Reading) -> Card:
    """Write the model into the cache."""
    net = proof.build(card, reading)
    with cache.staging() as folder:
        written = (
            exporters.publish(net, card, folder)[0] if card.kind == "stream" else exporters.store(net, card, folder)
        )
        name = f"{card.name}-{written.sha256[:12]}.onnx"
        kept = replace(written, weights=name)
        path = cache.replace_model(card.name, cards.dump(kept), folder / written.weights, name)
    return replace(kept, path=path)
