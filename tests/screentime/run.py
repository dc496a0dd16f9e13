"""Learns who is on screen from one labelled frame a second of a drawn cartoon, and measures it on another cartoon.

    python tests/screentime/run.py --from movinet-a0-stream-k600

Both cartoons are drawn here: other scenes, other backgrounds, other sizes. It prints the share of frames that are
right, the share of seconds that are, and the seconds of each, as `stream-report` would count them.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # the cartoon is drawn by a module of the tests

import stream
from stream.sources import open_source
from tests.screentime import cartoon


def said(card: Path, video: Path) -> list[str]:
    """The label on top at every frame of a video, as a session gives it with its usual settings."""
    session, last, found = stream.load(str(card)).session(top_k=1), "", list[str]()
    with open_source(str(video)) as source:
        for packet in source:
            for frame in source.decode(packet):
                update = session.feed(frame)
                last = update.labels[0].name if update else last
                found.append(last)
    return found


def measure(found: list[str], truth: list[str]) -> dict[str, object]:
    """Compare frame by frame, and the totals; the seconds count as one where most of their frames are right."""
    right = np.array([one == other for one, other in zip(found, truth, strict=False)])
    seconds = [right[begin : begin + cartoon.FPS].mean() >= 0.5 for begin in range(0, len(right), cartoon.FPS)]
    counts = {name: (Counter(found)[name] / cartoon.FPS, Counter(truth)[name] / cartoon.FPS) for name in set(truth)}
    return {
        "frames_right": round(float(right.mean()), 4),
        "seconds_right": round(float(np.mean(seconds)), 4),
        "seconds_said_and_shown": {name: [round(value, 1) for value in pair] for name, pair in sorted(counts.items())},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from", dest="begin", default="auto")
    parser.add_argument("--head", default="mlp")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seeds", type=int, nargs=2, default=(1, 2), help="of the cartoons to learn from, to judge by")
    parser.add_argument("--out", type=Path, default=Path("runs/cartoon"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    labels = cartoon.write(asked.out / "learn.mp4", asked.seconds, asked.seeds[0])
    table = cartoon.table(asked.out / "frames.csv", labels)
    truth = cartoon.write(asked.out / "judge.mp4", asked.seconds / 2, asked.seeds[1])
    card = asked.out / "who.toml"
    command = [sys.executable, "-m", "stream.cli.train", str(table), "--video", str(asked.out / "learn.mp4")]
    command += ["--from", asked.begin, "--head", asked.head, "--out", str(card), "--runs", str(asked.out), "--force"]
    subprocess.run(command, check=True, stdout=sys.stderr)
    sys.stdout.write(json.dumps(measure(said(card, asked.out / "judge.mp4"), truth)) + "\n")


if __name__ == "__main__":
    main()
