"""Times our engines against LiteRT on the official graph with the same weights. `make bench`; see docs/engine.md.

    python tests/parity/bench.py [--variants a0,a2] [flags of `stream-bench step`]

Model files are made once, in `build/bench`; Google's package runs in the environment of `make parity`.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from stream.exporters import publish  # noqa: E402  # the checkout is on the path only from here
from tests.parity import ours  # noqa: E402
from tests.parity.cases import SIDES  # noqa: E402
from tests.parity.run import environment, say  # noqa: E402

FOLDER = ROOT / "build" / "bench"


def files(variant: str) -> tuple[Path, Path]:
    """Return the card and the official graph; make what is missing."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = f"{variant}-stream"
    card, graph = FOLDER / f"{name}.toml", FOLDER / f"{name}.tflite"
    if not card.exists():
        say(f"exporting {name} ...")
        net = ours.net(variant, "stream", SIDES[variant][0])
        publish(net, net.card, FOLDER)
    if not graph.exists():
        say(f"converting the official {name} ...")
        subprocess.run(
            [environment(), "-W", "ignore", "-m", "tests.parity.litert", name, graph],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
    return card, graph


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", default="a0,a2")
    known, flags = parser.parse_known_args()
    for variant in known.variants.split(","):
        card, graph = files(variant)
        command = [sys.executable, "-m", "stream.cli.bench", "step", card, "--peer", f"litert={graph}", *flags]
        subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
