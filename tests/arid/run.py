"""Trains on a small real data set and prints what comes of it: `python tests/arid/run.py FOLDER`.

FOLDER holds dark clips of six actions as CLASS/CLASS_SCENE_TAKE.mp4. Its scenes are put into two halves, each with
every class; a model learns from one and is judged by the other, then the other way round. No clip of a scene is ever on
both sides, and nothing is chosen by what is judged: the number of epochs is fixed, and the last weights are kept. Every
run is a `stream-train` of its own; runs that are done are not done again.
"""

import argparse
import csv
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

HALVES = ({"5", "7", "9", "10", "11"}, {"1", "2", "3", "4", "8", "14"})
"""Scenes of each half; every one of the six classes is in both."""

STARTS = {"scratch": ["--side", "80"], "gestures-a0": ["--from", "gestures-a0"]}
LIGHTS = {"as it is": [], "lightened": ["--lighten", "0.4"]}
FIXED = ["--length", "2", "--patience", "0", "--keep", "last", "--threads", "1", "--device", "cpu", "--json"]


def scene(path: Path) -> str:
    found = re.search(r"_(\d+)_\d+$", path.stem)
    assert found, f"{path}: no scene in its name"
    return found[1]


def table(data: Path, half: int, out: Path) -> Path:
    """Write which clips are learned from, and which ones judge."""
    path = out / f"half{half}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "group", "split"))
        for clip in sorted(data.glob("*/*.mp4")):
            side = "train" if scene(clip) in HALVES[half] else "validation"
            writer.writerow((clip.resolve(), clip.parent.name, scene(clip), side))
    return path


def train(data: Path, out: Path, start: str, light: str, half: int, seed: int, epochs: int) -> Path:
    """Train one model, unless that is done; return what it said of the clips that judge."""
    name = f"{start}-{light}-{half}-{seed}".replace(" ", "-")
    said = out / name / "validation.csv"
    if not said.exists():
        command = [
            sys.executable,
            "-m",
            "stream.cli.train",
            str(table(data, half, out)),
            "--out",
            name,
            "--runs",
            str(out),
        ]
        command += [*STARTS[start], *LIGHTS[light], *FIXED, "--seed", str(seed), "--epochs", str(epochs)]
        command += ["--resume"] if (out / name / "checkpoint.pt").exists() else []
        sys.stderr.write(f"stream-train {' '.join(command[3:])}\n")
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)
    return said


def figures(tables: list[Path]) -> dict[str, object]:
    """Count what was right; the interval is a bootstrap over scenes, since clips of one scene are not independent."""
    right = defaultdict[str, list[float]](list)
    for path in tables:
        for row in csv.DictReader(path.open()):
            right[scene(Path(row["path"]))].append(row["said"] == row["label"])
    scenes, rng = [np.array(values) for values in right.values()], np.random.default_rng(0)
    draws = [rng.integers(len(scenes), size=len(scenes)) for _ in range(5000)]
    means = [np.concatenate([scenes[index] for index in draw]).mean() for draw in draws]
    low, high = np.quantile(means, (0.025, 0.975))
    accuracy = float(np.concatenate(scenes).mean())
    return {
        "right": round(accuracy, 4),
        "interval_95": [round(float(low), 4), round(float(high), 4)],
        "scenes": len(scenes),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/arid"))
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--halves", type=int, nargs="+", default=[0, 1])
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    said = defaultdict[tuple[str, str], list[Path]](list)
    for half in asked.halves:
        for seed in asked.seeds:
            for start in STARTS:
                for light in LIGHTS:
                    found = train(asked.data, asked.out, start, light, half, seed, asked.epochs)
                    said[start, light].append(found)
    for (start, light), tables in said.items():
        sys.stdout.write(json.dumps({"start": start, "frames": light, "runs": len(tables)} | figures(tables)) + "\n")


if __name__ == "__main__":
    main()
