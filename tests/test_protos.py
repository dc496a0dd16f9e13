"""The generated code in stream/v1 is what protos/ says."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from stream.v1 import recognition_pb2 as pb

ROOT = Path(__file__).parents[1]
PROTO = ROOT / "protos/stream/v1/recognition.proto"


def compiled(*arguments: str) -> None:
    pytest.importorskip("grpc_tools", reason="grpcio-tools compiles the protocol")
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'protos'}", *arguments, str(PROTO)]
    subprocess.run(command, check=True, timeout=60)


def test_the_generated_code_is_not_stale(tmp_path: Path) -> None:
    compiled(f"--descriptor_set_out={tmp_path / 'set'}")
    (wanted,) = descriptor_pb2.FileDescriptorSet.FromString((tmp_path / "set").read_bytes()).file
    found = descriptor_pb2.FileDescriptorProto.FromString(pb.DESCRIPTOR.serialized_pb)
    for message in (
        *wanted.message_type,
        *found.message_type,
    ):  # a name that only JSON uses, which generators add or not
        for field in message.field:
            field.ClearField("json_name")
    assert found == wanted, "run `make protos`"


def test_the_service_of_the_generated_code_is_not_stale(tmp_path: Path) -> None:
    compiled(f"--grpc_python_out={tmp_path}")
    paths = r"'/stream\.v1\.\w+/\w+'"
    wanted = re.findall(paths, (tmp_path / "stream/v1/recognition_pb2_grpc.py").read_text("utf-8"))
    found = re.findall(paths, (ROOT / "stream/v1/recognition_pb2_grpc.py").read_text("utf-8"))
    assert found == wanted, "run `make protos`"


def numbers(pattern: str, text: str) -> tuple[int, ...]:
    found = re.search(pattern, text)
    assert found, pattern
    return tuple(map(int, found[1].split(".")))


def test_the_generated_code_takes_the_lowest_versions_that_are_declared() -> None:
    declared = (ROOT / "pyproject.toml").read_text("utf-8")
    stub = (ROOT / "stream/v1/recognition_pb2_grpc.py").read_text("utf-8")
    code = (ROOT / "stream/v1/recognition_pb2.py").read_text("utf-8")
    needed = numbers(r"GRPC_GENERATED_VERSION = '([\d.]+)'", stub)
    assert needed[:2] <= numbers(r'"grpcio>=([\d.]+)"', declared)
    assert needed[2] == 0, "generate with the first release of that version"
    assert numbers(r"Protobuf Python Version: ([\d.]+)", code) <= numbers(r'"protobuf>=([\d.]+)"', declared)


def test_every_message_field_enum_and_method_has_a_comment() -> None:
    bare = []
    lines = PROTO.read_text("utf-8").splitlines()
    for above, line in pairwise(lines):
        declares = re.match(
            r"\s*(message|enum|service|rpc|oneof|optional|repeated)\b|\s*[\w.]+ (\w+ )?= \d+;|\s+[A-Z_]+ = \d", line
        )
        if declares and not above.lstrip().startswith("//"):
            bare.append(line)
    assert not bare
