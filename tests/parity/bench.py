"""Times our engines against others on the same weights. `make bench`; see docs/benchmarks.md.

    python tests/parity/bench.py [--variants a0,a2] [--peers tf-savedmodel,ort-plain] [flags of `stream-bench step`]

LiteRT on the official graph is always there, and the last: others are divided by it. Model files are made once, in
`build/bench`; Google's package runs in the environment of `make parity`, whose TensorFlow is lent to who needs it.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from stream.exporters import publish  # noqa: E402  # the checkout is on the path only from here
from tests.parity import ours, plain  # noqa: E402
from tests.parity.cases import SIDES  # noqa: E402
from tests.parity.run import environment, packages, say  # noqa: E402

FOLDER = ROOT / "build" / "bench"
ENDS = {"openvino": ".onnx", "ort-plain": "-plain.onnx", "tf-savedmodel": "-saved", "litert": ".tflite"}
"""Peer -> how its file is called, after the card's name."""


def make(name: str) -> Path:
    """Return the card; make it and every peer's file where they are missing."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    card = FOLDER / f"{name}.toml"
    files = {peer: FOLDER / f"{name}{end}" for peer, end in ENDS.items()}
    if not card.exists():
        say(f"exporting {name} ...")
        variant = name.partition("-")[0]
        net = ours.net(variant, "stream", SIDES[variant][0])
        publish(net, net.card, FOLDER)
    if not files["ort-plain"].exists():
        plain.write(card, files["ort-plain"])
    if not files["litert"].exists() or not files["tf-savedmodel"].exists():
        say(f"converting the official {name} ...")
        command = [environment(), "-W", "ignore", "-m", "tests.parity.litert", name]
        subprocess.run([*command, files["tf-savedmodel"], files["litert"]], cwd=ROOT, check=True, capture_output=True)
    return card


def run(card: Path, peers: list[str], flags: list[str]) -> None:
    """Measure, in a process of its own for each model."""
    lent = [packages(environment())] if "tf-savedmodel" in peers else []
    code = f"import sys; sys.path += {lent}; from stream.cli.entry import bench; bench()"
    asked = [f"--peer={peer}={FOLDER / card.stem}{ENDS[peer]}" for peer in [*peers, "litert"]]
    subprocess.run([sys.executable, "-c", code, "step", card, *asked, *flags], cwd=ROOT, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", default="a0,a2")
    parser.add_argument("--peers", default="", help="besides litert: openvino, ort-plain, tf-savedmodel")
    known, flags = parser.parse_known_args()
    peers = [peer for peer in known.peers.split(",") if peer not in ("", "litert")]
    if unknown := set(peers) - set(ENDS):
        parser.error(f"no peer named {', '.join(sorted(unknown))}; known: {', '.join(ENDS)}")
    for variant in known.variants.split(","):
        run(make(f"{variant}-stream"), peers, flags)


if __name__ == "__main__":
    main()
