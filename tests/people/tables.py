"""Writes the tables that docs/models.md and docs/training.md measure with, from a folder of real clips.

    python tests/people/tables.py ../shared/data/real --out people

FOLDER holds `manifest.csv` (path, label, group, split, source, sha256) and the clips. The manifest alone decides which
clips a table has: of more than it takes, those whose SHA-256 comes first.
"""

import argparse
import csv
import sys
from collections.abc import Iterable
from pathlib import Path

Row = dict[str, str]

GESTURES = {
    "egogestar/swipe_left/*": "swipe left",
    "egogestar/swipe_right/*": "swipe right",
    "egogestar/swipe_up/*": "swipe up",
    "egogestar/swipe_down/*": "swipe down",
    "egogestar/circle_counter-clockwise/*": "circle counter-clockwise",
    "weizmann/wave_*": "wave",
    "*": "other motion",
}
"""Pattern -> what the clips are to `gestures-a0`."""

EVERYDAY = {
    ("surveillance_fight", "fight"): "fight",
    ("gym", "push_up"): "push-up",
    ("gym", "pull_up"): "pull-up",
    ("gym", "squat"): "squat",
    ("weizmann", "jumping_jack"): "jumping jack",
}
"""Source and label -> what the clips are to `everyday-a0`, which gives events of it."""
NEITHER = {
    *(("ut_interaction", label) for label in ("kick", "punch", "push")),
    ("gym", "dip"),
    ("weizmann", "skip"),
    ("gmdcsa24", "exercise"),
}
"""Source and label of clips that are judged neither way."""
HANDS = ("egogestar", "asu_smarthome")
"""Sources of hands before a camera; all others show bodies before a fixed one."""
OTHERS_EACH = 2
"""Count: clips of a group that show something else; of UCF101, whose groups count within a class, one."""
EVEN = 8
"""Count: clips of a label in the table where labels are about alike; of fights one a group."""


def read(folder: Path) -> list[Row]:
    """Read the manifest, the clips in the order of their SHA-256."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return sorted(csv.DictReader(file), key=lambda row: row["sha256"])


def group(row: Row) -> str:
    """Name what is drawn together: who or what was filmed; UCF101 numbers its groups within a class."""
    inner = f"{row['label']}/" if row["source"] == "ucf101_six" else ""
    return f"{row['source']}/{inner}{row['group']}"


def few(rows: Iterable[Row], most: int, of_ucf: int) -> list[Row]:
    """Keep the first clips of each group."""
    kept, counts = list[Row](), dict[str, int]()
    for row in rows:
        counts[group(row)] = counts.get(group(row), 0) + 1
        if counts[group(row)] <= (of_ucf if row["source"] == "ucf101_six" else most):
            kept.append(row)
    return kept


def even(rows: Iterable[Row]) -> list[Row]:
    """Keep at most EVEN clips of a label, of fights one a group."""
    kept, counts = list[Row](), dict[str, int]()
    for row in rows:
        keys = [row["label"], *([f"fight of {group(row)}"] if row["label"] == "fight" else [])]
        if counts.get(keys[0], 0) < EVEN and not counts.get(keys[-1], 0) * (len(keys) - 1):
            kept.append(row)
            for key in keys:
                counts[key] = counts.get(key, 0) + 1
    return kept


def write(path: Path, rows: Iterable[tuple[Row, str]]) -> None:
    """Write a table of clips and what they show."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(("path", "label", "group", "split"))
        lines.writerows((row["path"], label, group(row), row["split"]) for row, label in sorted(rows, key=_place))
    sys.stdout.write(f"{path}\n")


def _place(line: tuple[Row, str]) -> str:
    return line[0]["path"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of the clips and manifest.csv")
    parser.add_argument("--out", type=Path, default=Path("people"), help="folder to write to")
    asked = parser.parse_args()
    rows = read(asked.folder)
    asked.out.mkdir(parents=True, exist_ok=True)
    write(asked.out / "people.csv", ((row, row["label"]) for row in rows))
    with (asked.out / "map.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *GESTURES.items()])
    write(asked.out / "hands.csv", ((row, row["label"]) for row in rows if row["source"] in HANDS))
    for split in ("train", "test"):
        bodies = [row for row in rows if row["split"] == split and row["source"] not in HANDS]
        known = [row for row in bodies if (row["source"], row["label"]) in EVERYDAY]
        others = [row for row in bodies if (row["source"], row["label"]) not in NEITHER | set(EVERYDAY)]
        rest = [(row, "other") for row in few(others, OTHERS_EACH, 1)]
        named = [(row, EVERYDAY[row["source"], row["label"]]) for row in known]
        write(asked.out / f"{split}.csv", named + rest)
        write(asked.out / f"even-{split}.csv", [pair for pair in named if pair[0] in even(known)] + rest)
        waves = [row for row in bodies if row["label"].startswith("wave_")]
        still = few((row for row in bodies if row not in waves), OTHERS_EACH, 1)
        write(asked.out / f"bodies-{split}.csv", [(row, "wave") for row in waves] + [(row, "other") for row in still])


if __name__ == "__main__":
    main()
