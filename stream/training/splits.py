"""Splits samples into those to learn from and those to be judged by, so that no recording is on both sides.

Clips of one recording share its room, light and people. A split at random puts them on both sides, and then measures
how well the recording is known, not the action.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stream.errors import UsageError
from stream.training import datasets, recordings
from stream.training.datasets import Sample
from stream.training.seen import size_of

Key = Callable[[Sample], str]
"""Gives the group of a sample."""

TRIALS = 500
"""Count: splits drawn; the best is taken. With many groups fewer do, since any is good."""


@dataclass(frozen=True, slots=True)
class Split:
    """Both sides, and how they came about."""

    train: tuple[Sample, ...]
    """To learn from."""
    validation: tuple[Sample, ...]
    """To be judged by; may be empty."""
    how: str
    """In words."""
    groups: dict[str, list[str]]
    """Side -> its groups, sorted; empty where there are none."""

    def story(self) -> dict[str, Any]:
        """Say what is on which side, for the run's folder."""
        sides = {"train": self.train, "validation": self.validation}
        return {
            "how": self.how,
            "groups": self.groups,
            "counts": {
                side: dict(sorted(Counter(s.label for s in samples).items())) for side, samples in sides.items()
            },
            "samples": {
                side: [[str(s.path), s.label, s.start_s, s.end_s, size_of(s.path)] for s in samples]
                for side, samples in sides.items()
            },
        }


def split(
    samples: Sequence[Sample],
    root: Path,
    share: float,
    *,
    group_by: str | None = None,
    how: str = "auto",
    seed: int = 0,
) -> Split:
    """Choose the validation's groups: about `share` of every class, no group on both sides.

    In this order: as the data says itself; by `group_by`; by the groups the data names; by video file, where nothing in
    the names looks like a recording.

    Args:
        samples: all of them. Those of a `test` part are left out.
        root: the paths that `group_by` sees are relative to it.
        share: of the samples, in [0, 1); 0 keeps all to learn from.
        group_by: a regular expression searched for in the path; its first group, or all of it, is the key.
        how: auto, or random: clip by clip.
        seed: decides among equals.

    Raises:
        UsageError: names look like recordings and nobody said how to split; `group_by` does not fit a path; or the
            groups do not allow a split.
    """
    used = [sample for sample in samples if sample.subset != "test"]
    if how == "random":
        return _divide(used, str, share, seed, "at random, clip by clip, as was asked for")
    if group_by:
        key = by_pattern(group_by, root)
        told = [replace(sample, group=key(sample)) for sample in used]
        return _divide(told, _group, share, seed, f"by '{group_by}' on the path")
    if {sample.subset for sample in used} == {"train", "validation"}:
        return _given(used)
    if share == 0:
        return Split(tuple(used), (), "no validation, as was asked for", {})
    if all(sample.group for sample in used):
        return _divide(used, _group, share, seed, "by the groups that the data names")
    _refuse_visible(used, root)
    return _divide(used, lambda sample: str(sample.path), share, seed, "by video; no groups were seen in the names")


def grouped(
    samples: Sequence[Sample], root: Path, *, group_by: str | None = None, how: str = "auto"
) -> tuple[Sample, ...]:
    """Say of every sample which recording it is of, where all are learned from and recordings are held out in turn.

    Args:
        samples: all of them.
        root: the paths that `group_by` sees are relative to it.
        group_by: as `split` takes it.
        how: auto, or random: each clip by itself.

    Raises:
        UsageError: as `split`.
    """
    if group_by:
        key = by_pattern(group_by, root)
        return tuple(replace(sample, group=key(sample)) for sample in samples)
    if how == "random":
        return tuple(replace(sample, group=str(sample)) for sample in samples)
    if not all(sample.group for sample in samples):
        _refuse_visible(samples, root)
        return tuple(replace(sample, group=str(sample.path)) for sample in samples)
    return tuple(samples)


def _group(sample: Sample) -> str:
    return sample.group


def _given(samples: Sequence[Sample]) -> Split:
    sides = {side: tuple(s for s in samples if s.subset == side) for side in ("train", "validation")}
    groups = {side: sorted({s.group for s in kept if s.group}) for side, kept in sides.items()}
    if both := sorted(set(groups["train"]) & set(groups["validation"])):
        raise UsageError(f"the data puts {both[0]!r} on both sides of its split; accepted: --group-by to split anew")
    _refuse_unlearnt(sides["train"], samples)
    return Split(sides["train"], sides["validation"], "as the data says", groups)


def by_pattern(pattern: str, root: Path) -> Key:
    """Group samples by a regular expression searched for in the path below `root`: its first group, or all of it.

    Raises:
        UsageError: it is no regular expression; and, when the key is asked for, a path that it does not fit.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--group-by '{pattern}': {error}; accepted: a regular expression") from error

    def key(sample: Sample) -> str:
        path = _relative(sample.path, root)
        found = compiled.search(path)
        if not found:
            raise UsageError(f"--group-by '{pattern}' does not fit {path}; accepted: one that fits every path")
        return (found[1] or found[0]) if compiled.groups else found[0]

    return key


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


# --- dividing ---


def _divide(samples: Sequence[Sample], key: Key, share: float, seed: int, how: str) -> Split:
    """Draw splits of whole groups; take the one whose validation is nearest to the share of every class."""
    keys = [key(sample) for sample in samples]
    groups = sorted(set(keys))
    if share == 0:
        return Split(tuple(samples), (), f"{how}; no validation, as was asked for", {"train": groups, "validation": []})
    if len(groups) < 2:
        raise UsageError(
            f"split {how}: there is one group only, {groups[0]!r}; accepted: two or more, or --validation 0"
        )
    known = datasets.labels(samples)
    counts = np.zeros((len(groups), len(known)))
    for name, sample in zip(keys, samples, strict=True):
        counts[
            groups.index(name) if len(groups) < 64 else np.searchsorted(groups, name), known.index(sample.label)
        ] += 1
    chosen = {groups[index] for index in np.flatnonzero(_choose(counts, share, np.random.default_rng(seed)))}
    train = tuple(s for name, s in zip(keys, samples, strict=True) if name not in chosen)
    validation = tuple(s for name, s in zip(keys, samples, strict=True) if name in chosen)
    _refuse_unlearnt(train, samples)
    if unjudged := sorted(set(known) - set(datasets.labels(validation))):
        how += f"; not in the validation, for want of groups: {', '.join(unjudged)}"
    return Split(train, validation, how, {"train": sorted(set(groups) - chosen), "validation": sorted(chosen)})


def _choose(counts: npt.NDArray[np.float64], share: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return which of the (G, K) groups are held out."""
    total, best, least = counts.sum(0), np.zeros(len(counts), bool), np.inf
    for _ in range(max(20, min(TRIALS, 200_000 // len(counts)))):
        order = rng.permutation(len(counts))
        sizes = counts[order].sum(1).cumsum()
        kept = np.zeros(len(counts), bool)
        kept[order[: max(1, int(np.searchsorted(sizes, share * total.sum())) + int(rng.integers(2)))]] = True
        held = counts[kept].sum(0)
        cost = np.abs(held / total - share).sum() + 10 * (held == 0).sum() + 100 * (held == total).sum()
        if cost < least:
            best, least = kept, cost
    return best


def _refuse_unlearnt(train: Sequence[Sample], samples: Sequence[Sample]) -> None:
    """Refuse a split that leaves nothing of a class to learn from."""
    if missing := sorted(set(datasets.labels(samples)) - set(datasets.labels(train))):
        raise UsageError(
            f"nothing is left to learn {', '.join(map(repr, missing))} from; accepted: two groups or more of each "
            "class, or --validation 0"
        )


# --- groups that can be seen ---


def _refuse_visible(samples: Sequence[Sample], root: Path) -> None:
    found = recordings.visible({_relative(sample.path, root): sample.label for sample in samples})
    if not found:
        return
    names = ", ".join(repr(name) for name in found.names[:3])
    fits = all(re.search(found.pattern, _relative(sample.path, root)) for sample in samples)
    pattern, more = (
        (found.pattern, "") if fits else (f"{found.pattern}|.*", "; any other file is a recording of its own")
    )
    raise UsageError(
        f"{found.what} look like recordings: {len(found.names)} of them ({names}, ...), {found.mean:.1f} clips each. A "
        "split at random would put clips of one recording on both sides and measure the recording, not the action; "
        f"accepted: --group-by '{pattern}', which takes these{more}; another --group-by; or --split random"
    )


def counts(samples: Iterable[Sample], known: Sequence[str]) -> npt.NDArray[np.int64]:
    """Count the samples of every label: (K,)."""
    found = Counter(sample.label for sample in samples)
    return np.array([found[label] for label in known], np.int64)


def balanced(found: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Weigh (K,) classes so that each counts the same in all: n / (K * n of the class); 0 for one without samples."""
    weights = np.zeros(len(found), np.float32)
    np.divide(found.sum(), len(found) * found, out=weights, where=found > 0)
    return weights
