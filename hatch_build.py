"""Compiles the fused engine's library (`native/`) while the package is built; goes on without it where it cannot.

A wheel with the library is for one platform and any Python 3; without it, for any platform. STREAM_FUSED=require makes
a failure an error (for published wheels), STREAM_FUSED=off leaves the library out.
"""

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LIBRARY = "stream/runtimes/_fused.so"
FLAGS = ("-std=c++17", "-O3", "-fPIC", "-fvisibility=hidden", "-fno-math-errno", "-Wno-psabi")
LEVELS = {
    "x86_64": {"plain": "", "avx2": "-mavx2 -mfma", "avx512": "-mavx2 -mfma -mavx512f -mavx512vl"},
    "aarch64": {"plain": "", "neon": ""},
}
"""Processor -> its levels (`native/level_*.cpp`) and the flags that each is compiled with; `plain` runs anywhere."""

OTHER_NAMES = {"amd64": "x86_64", "arm64": "aarch64"}


class CustomBuildHook(BuildHookInterface[Any]):
    """What hatchling calls before it packs a wheel, editable or not."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and tell hatchling what to pack."""
        wish = os.environ.get("STREAM_FUSED", "try")
        if self.target_name == "wheel" and version != "editable":
            build_data["force_include"] |= page(Path(self.root, "web"))
        if self.target_name != "wheel" or wish == "off":
            return
        library = Path(self.root, LIBRARY)
        try:
            compile_library(Path(self.root, "native"), library)
        except (OSError, subprocess.CalledProcessError) as error:
            if wish == "require":
                raise
            said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
            self.app.display_warning(f"the fused engine is left out: {said[0] if said else error}")
            library.unlink(missing_ok=True)  # one of other sources would be worse than none
            return
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{tag()}"
        if version != "editable":
            build_data["force_include"][str(library)] = LIBRARY


def page(folder: Path) -> dict[str, str]:
    """Return the files of the page for phones and where they go, if `make web` has brought what it runs on."""
    parts = ("", "ort", "wire", "model")
    if not all((folder / part).is_dir() for part in parts) or not (folder / "wire" / "protocol.js").is_file():
        return {}
    files = [path for part in parts for path in (folder / part).iterdir() if path.is_file()]
    return {str(path): f"stream/web/{path.relative_to(folder)}" for path in files}


def tag() -> str:
    """Return this platform's name as wheels spell it; cibuildwheel's repair makes it a portable one."""
    return os.environ.get("_PYTHON_HOST_PLATFORM", sysconfig.get_platform()).replace("-", "_").replace(".", "_")


def compile_library(sources: Path, library: Path, extra: tuple[str, ...] = (), program: str = "") -> None:
    """Compile every level and link them; with `program`, the name of a source that has a `main`, into a program.

    Raises:
        OSError: there is no compiler.
        subprocess.CalledProcessError: it failed; carries its words.
    """
    compiler = shlex.split(os.environ.get("CXX", "")) or [find_compiler()]
    levels = LEVELS.get(target(compiler), {"plain": ""})
    files = {name: "" for name in ("fused", program) if name} | {
        f"level_{name}": flags for name, flags in levels.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        objects = [Path(folder, f"{name}.o") for name in files]

        def compile_one(name: str, flags: str, to: Path) -> None:
            call([*compiler, *FLAGS, *extra, *flags.split(), "-c", str(sources / f"{name}.cpp"), "-o", str(to)])

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(compile_one, files, files.values(), objects))
        new = library.with_suffix(".new")  # a process that has the old one open keeps it whole
        call([*compiler, *([] if program else ["-shared"]), *extra, "-o", str(new), *map(str, objects)])
        new.replace(library)


def target(compiler: list[str]) -> str:
    """Name the processor that a compiler compiles for, which need not be this one."""
    try:
        machine = call([*compiler, "-dumpmachine"]).partition("-")[0].strip().lower()
    except subprocess.CalledProcessError:
        machine = platform.machine().lower()
    return OTHER_NAMES.get(machine, machine)


def find_compiler() -> str:
    """Return the first C++ compiler with vector extensions that is on the path."""
    for name in ("c++", "g++", "clang++"):
        if found := shutil.which(name):
            return found
    raise FileNotFoundError("no C++ compiler (c++, g++, clang++) was found")


def call(command: list[str]) -> str:
    """Run a compiler quietly; return what it printed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  # the user's own


if __name__ == "__main__":
    kind, file, *flags = sys.argv[1:]  # --library or --program, where to, and flags of the compiler
    native = Path(__file__).with_name("native")
    compile_library(native, Path(file), tuple(flags), "check" if kind == "--program" else "")
