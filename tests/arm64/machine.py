"""An Arm machine of Debian's and PyPI's files, run by qemu's user emulation; nothing of the host changes.

Debian's arm64 packages are unpacked into a folder, and the wheels for aarch64 into another. ONNX Runtime reads
/proc/cpuinfo as it starts and would find the host's processor there: the folder has one of a Cortex-A72.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOME = ROOT / "build" / "arm64"
QEMU, COMPILER = "qemu-aarch64-static", "aarch64-linux-gnu-g++"
CPU = "cortex-a72"
"""Its arithmetic is plain NEON; with `max`, qemu 7.2 gives wrong products in numpy's kernels for newer processors."""
CPUINFO = """\
processor\t: 0
BogoMIPS\t: 100.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3
"""
DEBIAN = ("python3.11-minimal", "libpython3.11-stdlib", "libstdc++6", "libgomp1")
WHEELS = ("numpy", "onnxruntime", "av", "filelock", "platformdirs", "tomli-w")
TAGS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")


def missing() -> str:
    """Say what of the host's tools is not there; nothing when all are."""
    return ", ".join(name for name in (QEMU, COMPILER, "apt-get", "dpkg-deb") if shutil.which(name) is None)


def make() -> None:
    """Bring what is not here yet: Python for arm64, the wheels, the fused engine's library."""
    system, site, library = HOME / "system", HOME / "site", HOME / "_fused.so"
    if not (HOME / "made").exists():
        shutil.rmtree(HOME, ignore_errors=True)
        _system(system)
        _wheels(site)
        (HOME / "made").touch()
    environment = {**os.environ, "CXX": COMPILER}
    command = [sys.executable, "hatch_build.py", "--library", str(library)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    package = site / "stream"
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(ROOT / "stream", package, ignore=shutil.ignore_patterns("*.so", "__pycache__", "models"))
    shutil.copytree(ROOT / "models", package / "models")
    shutil.copy(library, package / "runtimes" / "_fused.so")


def run(*words: str) -> str:
    """Run Python there; return what it printed."""
    command = [QEMU, "-cpu", CPU, "-L", str(HOME / "system"), str(HOME / "system/usr/bin/python3.11"), *words]
    environment = {"PYTHONPATH": str(HOME / "site"), "HOME": str(HOME), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _system(folder: Path) -> None:
    lists = {name: HOME / "apt" / name for name in ("lists/partial", "cache/archives/partial")}
    for path in lists.values():
        path.mkdir(parents=True)
    (HOME / "apt" / "status").touch()
    options = {
        "Dir::State::lists": HOME / "apt/lists",
        "Dir::State::status": HOME / "apt/status",
        "Dir::Cache": HOME / "apt/cache",
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
    }
    apt = ["apt-get", "-qq", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    subprocess.run([*apt, "update"], check=True, capture_output=True)
    wanted = ["--yes", "--download-only", "--no-install-recommends", "install", *DEBIAN]
    subprocess.run([*apt, *wanted], check=True, capture_output=True)
    for package in sorted((HOME / "apt/cache/archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", str(package), str(folder)], check=True)
    for path, text in (
        ("proc/cpuinfo", CPUINFO),
        *((f"sys/devices/system/cpu/{x}", "0\n") for x in ("possible", "present")),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def _wheels(folder: Path) -> None:
    version = re.search(r"python(\d\.\d+)", DEBIAN[0])
    assert version
    flags = ["--only-binary=:all:", "--implementation", "cp", "--python-version", version[1]]
    flags += [word for tag in TAGS for word in ("--platform", tag)]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--target",
        str(folder),
    ]
    subprocess.run([*command, *flags, "--constraint", str(ROOT / "constraints.txt"), *WHEELS], check=True)
