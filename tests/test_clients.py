"""The programs of docs/clients.md, against a real server."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import stream
from stream.decode import decode_image, encode_jpeg
from stream.sources import open_source
from stream.types import Frame, Phase
from tests.server import live

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/clients.md"
FPS = 10
NODE, GO = shutil.which("node"), shutil.which("go")
GO_CODE = Path("/usr/share/gocode")
"""Where Debian puts libraries of Go."""


def program(language: str) -> str:
    """Return the program of a language, as the page prints it."""
    [found] = re.findall(rf"```{language}\n(// .*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return str(found)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Drawn gestures as JPEGs, so many a second as the model takes."""
    folder, found = tmp_path_factory.mktemp("pictures"), []
    with open_source(f"synthetic://gestures?seconds=20&seed=7&fps={FPS}&size=160x120") as source:
        for packet in source:
            for frame in source.decode(packet):
                path = folder / f"{len(found):04}.jpg"
                path.write_bytes(encode_jpeg(frame.picture))
                found.append(path)
    return found


@pytest.fixture(scope="module")
def events(pictures: list[Path]) -> list[tuple[float, str, str]]:
    """What a session here says of them."""
    session, said = stream.load("gestures-a0").session(), []
    for index, path in enumerate(pictures):
        update = session.feed(Frame(decode_image(path.read_bytes()), index / FPS, 0))
        said += update.events if update else ()
    said += session.finish()
    shown = [(one.offset_s, one.phase.value.upper(), one.label) for one in said if one.phase is not Phase.UPDATE]
    assert len(shown) > 4
    return shown


def check(events: list[tuple[float, str, str]], command: list[str], pictures: list[Path], **more: object) -> None:
    with live.running(Path("gestures-a0")) as server:
        words = [*command, server.address, str(FPS), *map(str, pictures)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = [line.split(" ", 2) for line in done.stdout.splitlines()]
    assert [(phase.removeprefix("PHASE_").upper(), label) for _, phase, label in lines] == [one[1:] for one in events]
    assert [float(at_s) for at_s, *_ in lines] == pytest.approx([at_s for at_s, *_ in events], abs=0.0051)


def test_the_program_in_javascript(events, pictures: list[Path], tmp_path: Path) -> None:
    modules = ROOT / "web/node_modules"
    if not NODE or not (modules / "@grpc/grpc-js").is_dir():
        pytest.skip("needs Node, and what make web brings")
    (tmp_path / "client.mjs").write_text(program("js"))
    (tmp_path / "node_modules").symlink_to(modules)
    check(events, [NODE, "client.mjs"], pictures, cwd=tmp_path, env=os.environ | {"PROTOS": str(ROOT / "protos")})


@pytest.mark.slow
def test_the_program_in_go(events, pictures: list[Path], tmp_path: Path) -> None:
    plugins = [shutil.which(name) for name in ("protoc-gen-go", "protoc-gen-go-grpc")]
    places = [Path(place) for place in (*os.environ.get("GOPATH", "").split(":"), GO_CODE) if place]
    if not GO or None in plugins or not (GO_CODE / "src/google.golang.org/grpc").is_dir():
        pytest.skip("needs Debian's golang-go, golang-google-grpc-dev, protoc-gen-go and protoc-gen-go-grpc")
    if not any((place / "src/github.com/golang/protobuf/proto/registry.go").is_file() for place in places):
        pytest.skip("Debian's protobuf for Go 1.3 is too old: unpack golang-github-golang-protobuf-1-5-dev, set GOPATH")
    [said] = re.findall(r"```sh\n(go install .*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    place = tmp_path / "src/example.com/client"
    place.mkdir(parents=True)
    # what is installed stays as it is, and the compiler is the one that pip brings
    lines = [line for line in said.splitlines() if not line.startswith("go install")]
    protoc = f"{sys.executable} -m grpc_tools.protoc -I {ROOT}/protos"
    pytest.importorskip("grpc_tools", reason="grpcio-tools compiles the protocol")
    subprocess.run(["sh", "-ec", "\n".join(lines).replace("protoc -I protos", protoc)], cwd=place, check=True)
    old = program("go").replace("grpc.NewClient(", "grpc.Dial(")
    old = old.replace("grpc.WithTransportCredentials(insecure.NewCredentials())", "grpc.WithInsecure()")
    (place / "main.go").write_text(old.replace('\t"google.golang.org/grpc/credentials/insecure"\n', ""))
    ways = os.environ | {"GO111MODULE": "off", "GOPATH": ":".join(map(str, [tmp_path, *places]))}
    subprocess.run([GO, "build", "-o", "client", "."], check=True, cwd=place, env=ways)
    check(events, [str(place / "client")], pictures)


def test_the_program_in_csharp_calls_what_is_generated(tmp_path: Path) -> None:
    if not (protoc := shutil.which("protoc")):
        pytest.skip("needs protoc (Debian's protobuf-compiler): the one that pip brings knows no C#")
    command = [protoc, f"-I{ROOT / 'protos'}", f"--csharp_out={tmp_path}"]
    subprocess.run([*command, "stream/v1/recognition.proto"], check=True, timeout=60)
    generated, text = (tmp_path / "Recognition.cs").read_text("utf-8"), program("csharp")
    assert "namespace Stream.V1 {" in generated
    assert "using Stream.V1;" in text
    assert re.search(r'OriginalName\("PHASE_UPDATE"\)\] Update = 2', generated)
    for kind, name in re.findall(r"new (\w+) \{ (\w+) =", text):
        body = generated.partition(f"class {kind} ")[2]
        assert re.search(rf"public [\w:.]+ {name} \{{", body), (kind, name)
    for name in re.findall(r"reply\.(\w+)", text):
        assert re.search(rf"public [\w:.]+ {name} \{{", generated.partition("class RecognizeResponse ")[2]), name
