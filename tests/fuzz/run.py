"""Fuzzes every parser for a while: `python -m tests.fuzz.run [NAME...]`, FUZZ_S seconds in all, a process each.

With Atheris (`pip install atheris`) new inputs are led by what they make the code do; without, they are made blindly.
What breaks a parser is kept in tests/fuzz/corpus/NAME/, where the tests find it until it is mended.
"""

import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from tests.fuzz.mutate import LONGEST, mutated

CORPUS = Path(__file__).with_name("corpus")
SECONDS = float(os.environ.get("FUZZ_S", "600"))


def kept(name: str, data: bytes) -> None:
    """Try an input; keep it if it breaks the parser."""
    from tests.fuzz.parsers import tried

    try:
        tried(name, data)
    except Exception:
        (CORPUS / name / f"broke-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)
        raise


def led(name: str, seconds: float) -> None:
    """Fuzz with Atheris; it ends the process."""
    import atheris

    with atheris.instrument_imports(include=["stream"]):
        from tests.fuzz import parsers  # noqa: F401
    with tempfile.TemporaryDirectory() as found:
        words = ["fuzz", f"-max_total_time={int(seconds)}", f"-max_len={LONGEST}", "-timeout=30", "-rss_limit_mb=4000"]
        atheris.Setup(
            [*words, "-verbosity=0", "-print_final_stats=1", found, str(CORPUS / name)], lambda it: kept(name, it)
        )
        atheris.Fuzz()


def blind(name: str, seconds: float) -> None:
    """Fuzz without it."""
    seeds = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    rng, end_s, count = random.Random(time.time_ns()), time.monotonic() + seconds, 0
    while time.monotonic() < end_s:
        kept(name, mutated(seeds, rng))
        count += 1
    sys.stderr.write(f"stat::number_of_executed_units: {count}\n")


def one(name: str, seconds: float) -> None:
    """Fuzz one parser in this process."""
    warnings.simplefilter("ignore")
    try:
        import atheris  # noqa: F401
    except ModuleNotFoundError:
        blind(name, seconds)
    else:
        led(name, seconds)


def main(names: list[str]) -> int:
    """Fuzz each parser in a process of its own; return how many broke."""
    broken = 0
    for name in names:
        command = [sys.executable, "-m", "tests.fuzz.run", "--one", name, str(SECONDS / len(names))]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
        found = [line.split()[-1] for line in ended.stderr.splitlines() if "number_of_executed_units" in line]
        how = "broke" if ended.returncode else "held"
        print(f"{name:12} {(found or ['?'])[0]:>9} inputs: {how}", flush=True)  # noqa: T201
        if ended.returncode:
            broken += 1
            print(ended.stderr[-3000:])  # noqa: T201
    return broken


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], float(sys.argv[3]))
    else:
        sys.exit(main(sys.argv[1:] or sorted(path.name for path in CORPUS.iterdir())))
