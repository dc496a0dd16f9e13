"""Imports go one way: a row may import only the rows above it, never its own."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "stream"

ROWS = (
    {"v1"},
    {"words"},
    {"types", "errors", "colours", "orientation", "threads"},
    {
        "bitstream",
        "cache",
        "cardfields",
        "catalogue",
        "config",
        "labels",
        "label_sets",
        "storage",
        "downloads",
        "headers",
        "pictures",
        "play",
    },
    {"allowed", "cards", "rooms", "decode", "lateness", "spans", "rows", "onnxfile", "checkpoint"},
    {"screentime"},
    {"hub", "preprocess", "smoothing", "resampling", "cuts", "buffer", "steps", "weights", "intervals", "nets"},
    {"manifest"},
    {"sources", "runtimes", "exporters", "sinks"},
    {"memory", "importers", "engines"},
    {"ensemble", "proof"},
    {"pipeline", "intake", "shelf"},
    {"recogniser", "pulling"},
    {"server", "training", "report"},
    {"evaluation", "bench"},
    {"cli", "__init__"},
)
"""From the bottom up; docs/design.md draws the same."""

SERVER_ROWS = (
    {"allocator", "backoff", "models", "shutdown", "standing", "turns"},
    {"news", "operations", "wire"},
    {"client", "outputs"},
    {"configuration"},
    {"access"},
    {"pushed", "watched"},
    {"web"},
    {"health", "service"},
    {"serve"},
)
"""The same inside `server`."""

PLAY_ROWS = ({"paths"}, {"othermotion", "sprites"}, {"motions"}, {"gestures", "handmotions"}, {"matching"})
"""The same inside `play`."""

PARTS = ("sources", "nets", "runtimes", "exporters", "importers", "sinks")
"""Rooms of parts: a part may import its own room's `base` and `_private` modules, never a neighbour."""

HEAVY = {
    "torch": ("nets/", "exporters/", "importers/", "training/", "runtimes/torch.py", "weights.py", "proof.py"),
    "onnx": ("exporters/",),
    "tflite": ("importers/_tflite_file.py",),
    "safetensors": ("importers/safetensors.py",),
    "onnxruntime": ("runtimes/onnxruntime.py", "exporters/", "bench/peers/ort_plain.py"),
    "av": ("decode.py", "pictures.py", "sources/", "sinks/video.py", "training/"),
    "grpc": ("server/", "v1/", "bench/load.py"),
    "matplotlib": ("sinks/plot.py", "training/", "report/picture.py", "evaluation/plots.py", "bench/plot.py"),
    "ai_edge_litert": ("bench/peers/litert.py", "exporters/litert.py", "importers/_tflite_run.py"),
    "litert_torch": ("exporters/litert.py",),
    "executorch": ("exporters/executorch.py",),
    "tensorflow": ("bench/peers/tf_savedmodel.py",),
    "openvino": ("bench/peers/openvino.py", "runtimes/openvino.py"),
    "prometheus_client": ("server/operations/metrics.py", "server/web/gauges.py", "bench/serving.py"),
    "aiohttp": ("server/web/", "cli/benchload.py"),
    "opentelemetry": ("server/operations/otlp.py",),
    "paho": ("server/outputs/mqtt.py",),
    "sqlite3": ("server/outputs/_spool.py",),
    "PIL": ("sinks/video.py", "training/"),
    "typer": ("cli/",),
    "rich": ("cli/", "sinks/table.py", "training/"),
}
"""Package -> where alone it may be imported."""

FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


def imports(file: str) -> Iterator[str]:
    """Yield the modules a file imports, anywhere in it, as dotted names."""
    for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(file: str) -> Iterator[list[str]]:
    """Yield our own modules that a file imports, as parts of their path below `stream`."""
    for name in imports(file):
        top, *rest = name.split(".")
        if top == "stream":
            yield rest or ["__init__"]


def room(file: str) -> str:
    return file.split("/", maxsplit=1)[0].removesuffix(".py")


def row(name: str, rows: Sequence[set[str]] = ROWS) -> int:
    found = [index for index, names in enumerate(rows) if name in names]
    assert found, f"{name!r} has no row in tests/test_imports.py"
    return found[0]


@pytest.mark.parametrize("file", FILES)
def test_a_row_imports_only_the_rows_above_it(file: str) -> None:
    for target, *_ in ours(file):
        if target != room(file):
            assert row(target) < row(room(file)), f"{file} imports {target}"


INSIDE = {"server": SERVER_ROWS, "play": PLAY_ROWS}


@pytest.mark.parametrize("file", [file for file in FILES if room(file) in INSIDE and "__init__" not in file])
def test_inside_a_room_a_row_imports_only_the_rows_above_it(file: str) -> None:
    where = room(file)
    own = room(file.removeprefix(f"{where}/"))
    for target, *inside in ours(file):
        if target == where and inside[0] != own:
            assert row(inside[0], INSIDE[where]) < row(own, INSIDE[where]), f"{file} imports {where}.{inside[0]}"


@pytest.mark.parametrize("file", [file for file in FILES if room(file) in PARTS and "/" in file])
def test_a_part_imports_no_neighbour(file: str) -> None:
    for target, *inside in ours(file):
        if target == room(file):
            assert inside, f"{file} imports its own room"
            assert inside[0] == "base" or inside[0].startswith("_"), f"{file} imports its neighbour {inside[0]}"


@pytest.mark.parametrize("package", HEAVY)
def test_a_heavy_package_is_imported_only_where_it_is_needed(package: str) -> None:
    users = [file for file in FILES if any(name.split(".")[0] == package for name in imports(file))]
    assert users, "nobody needs it"
    for file in users:
        assert file.startswith(HEAVY[package]), f"{file} imports {package}"


def test_nothing_below_the_command_line_reads_the_environment() -> None:
    for file in FILES:
        is_above = room(file) in ("cli", "v1", "cache")  # STREAM_HOME: `stream.load` finds what the commands brought
        is_for_words = file == "server/client/entry.py"  # names the proxy that gRPC takes by itself
        found = re.search(r"os\.environ(?!\.setdefault)|getenv", (ROOT / file).read_text("utf-8"))
        assert is_above or is_for_words or not found, file
