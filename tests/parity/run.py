"""Compare our MoViNet with Google's, live, and keep the golden files true. `make parity`; see docs/parity.md.

    python tests/parity/run.py [--variants a0,a2] [--kinds stream,base] [--update]

Google's package runs in an environment of its own, `.venv-parity`, made on the first run from `requirements.txt`;
PARITY_PYTHON names another Python that has it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.parity import ours, weights  # noqa: E402  # the checkout is on the path only from here
from tests.parity.cases import CASES, CUTS, FRAMES, SHOWN, SIDES, Case, golden_file  # noqa: E402

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
ENVIRONMENT = ROOT / ".venv-parity"
TOLERANCE = 1e-4
"""Largest absolute difference of a logit."""
STATE_TOLERANCE = 1e-5
"""Largest difference of a state's element, in parts of that state's largest element or of 1."""
STALE = 1e-5
"""Largest difference from the golden file, in parts of its largest logit: another machine rounds differently."""

Arrays = dict[str, np.ndarray]
WAYS = {"whole": (FRAMES,), "chunks": CUTS, "frames": (1,) * FRAMES}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    case: Case
    difference: float
    state_difference: float
    low: float
    high: float
    seconds: float
    faults: tuple[str, ...]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def environment() -> Path:
    """Return the Python that has Google's package; install it on the first run."""
    if given := os.environ.get("PARITY_PYTHON"):
        return Path(given)
    python = ENVIRONMENT / "bin" / "python"
    stamp = ENVIRONMENT / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
        say(f"installing Google's package into {ENVIRONMENT.name} (some 700 MB, once) ...")
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--requirement", REQUIREMENTS], check=True)
        stamp.write_text(REQUIREMENTS.read_text())
    return python


def packages(python: Path) -> str:
    """Return the folder of another environment's packages: behind our own, they lend what we lack."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def official(python: Path, case: Case, folder: Path) -> Arrays:
    """Run Google's network and return what it said."""
    out = folder / f"{case.name}.npz"
    command = [python, "-W", "ignore", "-m", "tests.parity.reference", case.name, out]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{case.name}: Google's network did not run\n{done.stderr}")
    with np.load(out) as arrays:
        return dict(arrays)


def compare(case: Case, theirs: Arrays) -> Row:
    """Run our network at both sides and hold it against Google's."""
    begin = time.perf_counter()
    faults = list(_inventory(case, theirs))
    logits, states, seen = [0.0], [0.0], theirs["live/whole"]
    for where, side, batch in (("live", case.side_px, 2), ("golden", case.golden_px, 1)):
        made = ours.net_of(case, side)
        clip = torch.from_numpy(weights.clip(case.name, batch, FRAMES, side))
        for way, cuts in WAYS.items() if case.kind == "stream" else [("whole", (FRAMES,))]:
            found, state = ours.stream(made, clip, cuts)
            logits.append(float(np.abs(found.numpy() - theirs[f"{where}/{way}"]).max()))
            prefix = f"{where}/{way}/"
            expected = {
                key.removeprefix(prefix): value
                for key, value in theirs.items()
                if key.startswith(prefix) and _is_used(case, key)
            }
            states.append(_state_difference(ours.official_state(state), expected))
    if max(logits) > TOLERANCE:
        faults.append(f"logits differ by {max(logits):.2g}; accepted {TOLERANCE:.0e}")
    if max(states) > STATE_TOLERANCE:
        faults.append(f"states differ by {max(states):.2g}; accepted {STATE_TOLERANCE:.0e}")
    seconds = float(theirs["seconds"]) + time.perf_counter() - begin
    return Row(case, max(logits), max(states), float(seen.min()), float(seen.max()), seconds, tuple(faults))


def _is_used(case: Case, state: str) -> bool:
    """Say whether a network uses a state: without squeeze-excitation Google's passes most pools through."""
    return case.se_type != "none" or "_pool_" not in state or "head_pool_" in state


def _inventory(case: Case, theirs: Arrays) -> Iterator[str]:
    """Say where the two networks are not made of the same things."""
    made = ours.net_of(case, case.side_px)
    keys = {key for key in made.state_dict() if not key.endswith("num_batches_tracked")}
    if difference := sorted(keys ^ set(theirs["keys"].tolist())):
        yield f"only one side has {', '.join(difference[:3])}"
    count = sum(parameter.numel() for parameter in made.parameters())
    if count != int(theirs["trainable"]):
        yield f"{count} parameters, Google's has {int(theirs['trainable'])}"


def _state_difference(found: Arrays, expected: Arrays) -> float:
    """Return the largest difference in parts of the state's largest element or of 1; inf where the names differ."""
    if found.keys() != expected.keys():
        return float("inf")
    return max(
        (float(np.abs(found[n] - e).max() / max(1.0, np.abs(e).max())) for n, e in expected.items()), default=0.0
    )


def check_golden(case: Case, theirs: Arrays, update: bool) -> str | None:
    """Compare the golden file with what Google's network says now; write it anew if asked to."""
    way = "frames" if case.kind == "stream" else "whole"
    logits = theirs[f"golden/{way}"].reshape(-1, theirs[f"golden/{way}"].shape[-1])[:, list(SHOWN)]
    file = golden_file(case)
    if update:
        rows = [[float(f"{logit:.8g}") for logit in row] for row in logits]
        note = "Google's logits of cases.SHOWN, a row a frame (base: one for the clip); from make parity"
        rows_text = ",\n  ".join(json.dumps(row) for row in rows)
        file.write_text(
            f'{{"note": {json.dumps(note)},\n "side_px": {case.golden_px},\n "logits": [\n  {rows_text}\n]}}\n'
        )
    if not file.exists():
        return f"no {file.name}; run with --update"
    golden = json.loads(file.read_text())
    kept = np.array(golden["logits"])
    if kept.shape != logits.shape or golden["side_px"] != case.golden_px:
        return f"{file.name} is of another shape; run with --update"
    difference = float(np.abs(kept - logits).max() / np.abs(logits).max())
    return f"{file.name} is stale by {difference:.2g}; run with --update" if difference > STALE else None


def chosen(variants: str, kinds: str) -> list[Case]:
    return [case for case in CASES if case.variant in variants.split(",") and case.kind in kinds.split(",")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", default=",".join(SIDES), help=f"of {','.join(SIDES)} (all)")
    parser.add_argument("--kinds", default="stream,base", help="stream, base or both (both)")
    parser.add_argument("--update", action="store_true", help="write the golden files anew")
    options = parser.parse_args()
    cases = chosen(options.variants, options.kinds)
    if not cases:
        parser.error(f"nothing to compare; variants: {', '.join(SIDES)}; kinds: stream, base")
    python, failed = environment(), 0
    figures = f"{'logits, largest':>15}  {'state, largest':>15}  {'logits between':>18}  {'s':>5}"
    say(f"{'case':<22}{'side px':>10}  {figures}")
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            theirs = official(python, case, Path(folder))
        row = compare(case, theirs)
        faults = [*row.faults, *filter(None, [check_golden(case, theirs, options.update)])]
        sides, span = f"{case.side_px}, {case.golden_px}", f"{row.low:.2f} and {row.high:.2f}"
        figures = f"{row.difference:>15.1e}  {row.state_difference:>15.1e}  {span:>18}  {row.seconds:>5.0f}"
        say(f"{case.name:<22}{sides:>10}  {figures}  {'; '.join(faults) or 'ok'}")
        failed += bool(faults)
    say(f"{len(cases) - failed} of {len(cases)} agree within {TOLERANCE:.0e} on every logit of {FRAMES} frames")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
