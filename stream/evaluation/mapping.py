"""What a data set's clips are to a model whose labels have other names: a table of patterns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from stream.errors import UsageError
from stream.training import tables
from stream.training.datasets import Sample

HEADER = ("path", "label")
"""Of the table: a pattern on a clip's path, and one of the model's labels; blank leaves the clips out."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of the table."""

    pattern: str
    """As in a shell: `*` is any text, slashes too, `?` any letter."""
    label: str
    """One of the model's labels, or blank."""
    where: str
    """FILE:LINE."""


def read(path: Path, labels: Sequence[str]) -> tuple[Rule, ...]:
    """Read a table of the header `path,label`.

    Raises:
        UsageError: it cannot be read, has another header or no line, or names a label that the model does not have.
    """
    if not path.is_file():
        raise UsageError(f"{path} {'is no file' if path.exists() else 'does not exist'}; accepted: a CSV {_words()}")
    if (found := tables.header(path)) != HEADER:
        raise UsageError(f"{path}:1: the header is {','.join(found)}; accepted: {','.join(HEADER)}")
    rules = list[Rule]()
    for number, values in tables.lines(path):
        if number == 1 or not any(values):
            continue
        if len(values) != len(HEADER) or not values[0]:
            raise UsageError(
                f"{path}:{number}: {','.join(values)!r}; accepted: a pattern and a label, which may be blank"
            )
        if values[1] and values[1] not in labels:
            raise UsageError(f"{path}:{number}: the label is {values[1]!r}; accepted: {', '.join(labels)}, or blank")
        rules.append(Rule(values[0], values[1], f"{path}:{number}"))
    if not rules:
        raise UsageError(f"{path} has no line; accepted: a CSV {_words()}")
    return tuple(rules)


def _words() -> str:
    return f"with the header {','.join(HEADER)}: a pattern on the clips' paths, and what they are to the model"


def apply(rules: Sequence[Rule], samples: Sequence[Sample], root: Path) -> tuple[Sample, ...]:
    """Give every sample the label of the first rule whose pattern fits its path below `root`; leave out blank ones.

    Raises:
        UsageError: no rule fits a sample, a rule fits none, or nothing is left.
    """
    found, used = list[Sample](), set[Rule]()
    for sample in samples:
        path = sample.path.relative_to(root) if sample.path.is_relative_to(root) else sample.path
        rule = next((rule for rule in rules if fnmatchcase(path.as_posix(), rule.pattern)), None)
        if rule is None:
            raise UsageError(
                f"no pattern fits {path.as_posix()}; accepted: one that does, for instance a last line *,LABEL"
            )
        used.add(rule)
        if rule.label:
            found.append(replace(sample, label=rule.label))
    if idle := next((rule for rule in rules if rule not in used), None):
        raise UsageError(f"{idle.where}: {idle.pattern!r} fits no clip, or only such as an earlier line has taken")
    if not found:
        raise UsageError("the patterns leave out every clip; accepted: a label for some")
    return tuple(found)
