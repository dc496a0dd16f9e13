"""From a name of the catalogue to a card in the cache: download, check, import."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream import cache, cards, catalogue, downloads, ensemble, importers, intake
from stream.cards import Card
from stream.catalogue import Entry, Place
from stream.downloads import Progress, Remote
from stream.errors import DownloadError, ModelError, StreamError, UnknownPart, UsageError
from stream.hub import additions
from stream.intake import KINETICS_600, Order, Say

DIGEST = re.compile(r"[0-9a-fA-F]{64}")
"""A SHA-256."""


@dataclass(frozen=True, slots=True)
class Way:
    """How to pull."""

    dtype: str = ""
    """How to store the weights; empty: as they come."""
    file: Path | None = None
    """Already fetched by hand; it must pass the same check."""
    address: str = ""
    """Another place of the same file."""
    sha256: str = ""
    """Of the file, hexadecimal: needed where the catalogue knows none."""
    progress: Progress = lambda _here, _total: None
    """Shown how far the download is."""
    say: Say = lambda _sentence: None
    """Told what is being done."""


def pull(name: str, way: Way) -> Card:
    """Bring a model of the catalogue here, or say that it is.

    Raises:
        UnknownPart: no such model to be pulled; lists them.
        MissingDependency: what reads it is not installed; nothing was fetched.
        DownloadError: it cannot be fetched, or is another file.
        ModelError: the file is not what it should be; nothing of the user's is changed.
    """
    entry = catalogue.ENTRIES.get(name)
    if entry is None:
        raise UnknownPart("model to pull", name, catalogue.ENTRIES)
    if entry.members:
        return _pull_ensemble(entry, way)
    if way.sha256 and not DIGEST.fullmatch(way.sha256):
        raise UsageError(f"--sha256 is {way.sha256!r}; accepted: 64 hexadecimal digits")
    with cache.locked(name):
        if name in cache.names() and way.file is None:
            card = _whole(name, way.say)
            if card and way.dtype in ("", card.dtype):
                way.say(f"{name} is here already")
                return card
        return _by_hand(entry, way.file, way) if way.file else _fetch(entry, way)


def _whole(name: str, say: Say) -> Card | None:
    """Return a model that is here, unless its card or its weights are damaged."""
    try:
        card = cards.load(name)
        card.read_weights()
    except ModelError as error:
        say(f"{error}; it is brought again")
        return None
    return card


def _pull_ensemble(entry: Entry, way: Way) -> Card:
    if way.file or way.address or way.sha256:
        raise UsageError(
            f"{entry.name} has no file: it is the mean of {' and '.join(entry.members)}; pull these, each with its own"
        )
    members = [pull(member, way) for member in entry.members]
    return ensemble.join(entry.name, members, entry.variant, is_forced=True)


def _by_hand(entry: Entry, file: Path, way: Way) -> Card:
    downloads.check(file, _remote(entry.places[0], entry, way))
    return _take(str(file), entry, way)


def _fetch(entry: Entry, way: Way) -> Card:
    """Try one place after the other; what each said is in the error where none gave anything."""
    said = list[StreamError]()
    for place in entry.places[:1] if way.address else entry.places:
        importers.require(place.form, f"pulling {entry.name}")
        remote = _remote(place, entry, way)
        if said:
            way.say(f"{said[-1]}; trying {place.address}")
        try:
            return _from(remote, place, entry, way)
        except (DownloadError, ModelError) as error:
            said.append(error)
    if len(said) == 1:
        raise said[0]
    kind = DownloadError if all(isinstance(error, DownloadError) for error in said) else ModelError
    raise kind("; ".join(map(str, said)))


def _remote(place: Place, entry: Entry, way: Way) -> Remote:
    """Return what is to be fetched, or was, and how it is told from anything else.

    Raises:
        UsageError: nothing tells it, or another hash was given than the catalogue has.
    """
    given = way.sha256.lower()
    if place.is_hash_needed and not given:
        raise UsageError(
            f"the hash of {way.address or place.address} is not known here: give it with --sha256 HEX, "
            "from somebody who has the file and whom you trust"
        )
    if place.sha256 and given not in ("", place.sha256):
        raise UsageError(f"--sha256 is {given}; {entry.name} has {place.sha256}")
    return Remote(way.address or place.address, place.git_blob, place.sha256 or given, place.size)


def _from(remote: Remote, place: Place, entry: Entry, way: Way) -> Card:
    part = cache.downloads() / f"{entry.name}-{place.form}.part"
    downloads.fetch(remote, part, way.progress)
    try:
        card = _take(str(part), entry, way)
    except (ModelError, UsageError) as error:
        downloads.clear(part)
        told = str(error).replace(str(part), "it")
        raise ModelError(f"what {remote.address} gives is refused: {told}") from error
    downloads.clear(part)
    return card


def _take(source: str, entry: Entry, way: Way) -> Card:
    """Import a file as the place says that has this form of it."""
    form = importers.form(importers.find(source))
    place = next((place for place in entry.places if place.form == form), None)
    if place is None:
        raise ModelError(
            f"{source} is {importers.kind(form)}; {entry.name} comes as "
            f"{' or as '.join(importers.kind(place.form) for place in entry.places)}"
        )
    given: dict[str, Any] = {"variant": entry.variant, "kind": entry.kind}
    given |= {"licence": place.licence, "source": place.source}
    given |= {"gate": place.gate} if place.gate else {}
    given |= {"memory_s": place.memory_s} if place.memory_s else {}
    addition = additions.read(additions.shipped(entry.addition)) if entry.addition else None
    return intake.keep(source, Order(entry.name, given, KINETICS_600, way.dtype, addition=addition), way.say)
