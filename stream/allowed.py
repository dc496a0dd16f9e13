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
    _known(labels, settings.deny or ())
    return tuple(label for label in labels if label not in denied and (not is_only or label in named))


def told(labels: Sequence[str], silent: Collection[str], settings: SessionSettings) -> tuple[str, ...]:
    """Return those of `listed` that may be events: `silent` ones, background and experimental, only where named.

    Raises:
        UnknownPart: see `listed`.
    """
    named = _named(labels, settings)
    return tuple(label for label in listed(labels, settings) if label in named or label not in silent)


def _has_plain(labels: Sequence[str], settings: SessionSettings) -> bool:
    """Say whether `allow` is a list of all that may be reported; a label may begin with a plus itself."""
    if settings.allow is None:
        return False
    return not settings.allow or any(name in labels or not name.startswith(BESIDE) for name in settings.allow)


def _named(labels: Sequence[str], settings: SessionSettings) -> set[str]:
    """Return the labels that `allow` names, with a plus and without."""
    found = [name if name in labels else name.removeprefix(BESIDE) for name in settings.allow or ()]
    _known(labels, found)
    return set(found)


def _known(labels: Sequence[str], names: Iterable[str]) -> None:
    if unknown := next((name for name in names if name not in labels), None):
        raise UnknownPart("label", unknown, labels)
