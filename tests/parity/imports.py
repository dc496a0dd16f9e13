"""Import what Google's own code writes: SavedModels, checkpoints, `.weights.h5`. `make imports`; see docs/weights.md.

    python tests/parity/imports.py [--cases a0-stream,a0-base]

The files are made in the environment of `make parity`, whose TensorFlow is then lent to this process, behind our own
packages. Every weight must come out bit for bit, and the comparison that an import makes must hold.
"""

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import torch

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.parity import weights as made  # noqa: E402  # the checkout is on the path only from here
from tests.parity.cases import CASES, Case  # noqa: E402
from tests.parity.run import environment, packages, say  # noqa: E402

FORMS = ("saved", "handle", "checkpoint", "model.weights.h5")
HANDLE = "/movinet/classification/1"
USUAL = "a0-stream,a0-base,a0-stream-clip,a1-stream,a2-stream,a3-stream,a4-stream,a5-stream"


def write(python: Path, case: Case, folder: Path) -> None:
    command = [python, "-W", "ignore", "-m", "tests.parity.files", case.name, folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{case.name}: Google's code wrote nothing\n{done.stderr}")


@contextmanager
def hub(folder: Path) -> Iterator[str]:
    """Serve the SavedModel as TensorFlow Hub does, compressed, from this machine; yield its handle."""
    asked = list[str]()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            with io.BytesIO() as file:
                with tarfile.open(fileobj=file, mode="w:gz") as archive:
                    archive.add(folder / "saved", ".")
                self.send_response(200)
                self.end_headers()
                self.wfile.write(file.getvalue())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{HANDLE}"
        server.shutdown()
    if asked != [f"{HANDLE}?tf-hub-format=compressed"]:
        sys.exit(f"the handle was asked for as {asked}")


def sources(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each form and where it is."""
    for form in FORMS:
        if form == "handle":
            with hub(folder) as handle:
                yield form, handle
        else:
            yield form, str(folder / form)


def faults(case: Case, form: str, source: str) -> Iterator[str]:
    """Import one file, say what came, and yield what is wrong with it."""
    from stream import intake, weights
    from stream.errors import StreamError

    given = {} if form in ("saved", "handle") or case.kind == "base" else {"gate": case.gate}
    begin = time.perf_counter()
    try:
        card = intake.bring(source, intake.Order("imported", given, is_forced=True), lambda _: None)
    except StreamError as error:
        yield str(error)
        return
    found = card.measured["import"]
    taken_s = time.perf_counter() - begin
    say(
        f"{case.name:<20}  {form:<16}  {found.get('largest_difference', float('nan')):>10.1e}"
        f"  {card.gate:<8}  {taken_s:>5.0f}"
    )
    if "largest_difference" not in found:
        yield f"not compared: {found['note']}"
    if card.gate != case.gate:
        yield f"the gate is {case.gate}, {card.gate} was found"
    for key, value in weights.read_state_dict(card.read_weights()).items():
        if not np.array_equal(value.numpy(), made.value(key, tuple(value.shape))):
            yield f"{key} came out changed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=USUAL, help=f"of {', '.join(case.name for case in CASES)}")
    chosen = [case for case in CASES if case.name in parser.parse_args().cases.split(",")]
    python, failed = environment(), 0
    sys.path.append(packages(python))
    torch.set_num_threads(1)
    say(f"{'case':<20}  {'file':<16}  {'difference':>10}  {'gate':<8}  {'s':>5}")
    for case in chosen:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["STREAM_HOME"] = str(Path(folder) / "home")
            write(python, case, Path(folder))
            os.environ["TFHUB_CACHE_DIR"] = str(Path(folder) / "hub")
            for form, source in sources(Path(folder)):
                for fault in faults(case, form, source):
                    say(f"{case.name} {form}: {fault}")
                    failed += 1
    say("all as they were" if not failed else f"{failed} faults")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
