"""Says on what machine, and with what, a figure was made."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = ("movinet-stream", "numpy", "onnxruntime", "torch", "ai-edge-litert", "openvino", "tensorflow")


def describe() -> dict[str, str]:
    """Return processor, cores, load, system, versions and commit; what cannot be found out is left out."""
    found = {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "load": _load(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": ", ".join(f"{name} {version}" for name in PACKAGES if (version := _version(name))),
        "commit": _commit(),
    }
    return {name: value for name, value in found.items() if value}


def _processor() -> str:
    for line in _read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _load() -> str:
    return "" if not hasattr(os, "getloadavg") else " ".join(f"{value:.1f}" for value in os.getloadavg())


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError:
        return ""


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""
