"""Which labels of a model a session lists, and of which it gives events: `allow` and `deny`, resolved."""

from collections.abc import Collection, Iterable, Sequence

from stream.config import SessionSettings
from stream.errors import UnknownPart

BESIDE = "+"
"""Before a label of `allow`: beside all others, where a plain name means only those named."""


def listed(labels: Sequence[str], settings: SessionSettings) -> tuple[str, ...]:
    """Return the labels that may be reported, in the model's order: all, or only those named, and none denied.

    Raises:
        UnknownPart: `settings.allow` or `settings.deny` names no label; lists the labels.
    """
    named, denied, is_only = _named(labels, settings), set(settings.deny or ()), _has_plain(labels, settings)
    _check(labels, settings.deny or ())
    return tuple(label for label in labels if label not in denied and (not is_only or label in named))


def told(labels: Sequence[str], silent: Collection[str], settings: SessionSettings) -> tuple[str, ...]:
    """Return those of `listed` that may be events: `silent` ones, background and experimental, only where named.

    Raises:
        UnknownPart: see `listed`.
    """
    quiet = set(silent) - _named(labels, settings)
    return tuple(label for label in listed(labels, settings) if label not in quiet)


def _has_plain(labels: Sequence[str], settings: SessionSettings) -> bool:
    """Say whether `allow` is a list of all that may be reported; a label may begin with a plus itself."""
    if settings.allow is None:
        return False
    known = set(labels)
    return not settings.allow or any(name in known or not name.startswith(BESIDE) for name in settings.allow)


def _named(labels: Sequence[str], settings: SessionSettings) -> set[str]:
    """Return the labels that `allow` names, with a plus and without."""
    known = set(labels)
    found = [name if name in known else name.removeprefix(BESIDE) for name in settings.allow or ()]
    _check(labels, found)
    return set(found)


def _check(labels: Sequence[str], names: Iterable[str]) -> None:
    known = set(labels)
    for name in names:
        if name not in known:
            raise UnknownPart("label", name, labels)
