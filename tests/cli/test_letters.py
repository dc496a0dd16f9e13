"""Names of labels and files are UTF-8 in every locale: also where Python is told to know ASCII alone."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from stream import cards
from stream.exporters import publish
from tests import clips, tiny

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="Windows has no locale C")]

LABELS = ("Grüßen", "手を振る", "Ёлка", "façade", "naïve 🎈")
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
SCRIPTS = Path(sysconfig.get_path("scripts"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card, a film, and tables of clips, all called by letters that ASCII lacks."""
    made = tmp_path_factory.mktemp("Übung")
    card = tiny.card("relu6", labels=LABELS, source="selbst gemacht, für Prüfungen")
    (made / "grüßen.toml").write_text(cards.dump(publish(tiny.net(card), card, made)[0]), "utf-8")
    for label in LABELS:
        (made / "Daten" / label).mkdir(parents=True)
        clips.write(made / "Daten" / label / "Straße.mp4")
    (made / "Daten" / "clips.csv").write_text(
        "\ufeffpath,label\n" + "".join(f"{label}/Straße.mp4,{label}\n" for label in LABELS), "utf-8"
    )
    return made


def ended(folder: Path, script: str, *words: str, **variables: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a program where there are no letters beyond ASCII."""
    environment = {name: it for name, it in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    return subprocess.run(
        [str(SCRIPTS / script), *words],
        capture_output=True,
        cwd=folder,
        env={**environment, **(variables or ASCII)},
        timeout=240,
        check=False,
    )


def said(found: "subprocess.CompletedProcess[bytes]", code: int = 0) -> str:
    assert b"Traceback" not in found.stderr + found.stdout, found.stderr.decode(errors="replace")
    assert found.returncode == code, found.stderr.decode(errors="replace")
    return found.stdout.decode()


FILM = "Daten/Grüßen/Straße.mp4"
WATCH = ("--model", "grüßen.toml", "--runtime", "onnxruntime")


def test_a_watch_writes_labels_in_utf_8_to_stdout_and_to_files(folder: Path) -> None:
    outputs = ("--vtt", "spät.vtt", "--activitynet", "spät.json", "--allow", LABELS[1], "--begin", "0.01")
    found = ended(folder, "stream-watch", FILM, *WATCH, "--json", *outputs, "--end", "0.005")
    lines = [json.loads(line) for line in said(found).splitlines()]
    assert LABELS[1] in json.dumps(lines, ensure_ascii=False)
    assert LABELS[1] in (folder / "spät.vtt").read_text("utf-8")
    assert LABELS[1] in json.dumps(json.loads((folder / "spät.json").read_text("utf-8")), ensure_ascii=False)


def test_a_table_and_a_list_show_every_letter(folder: Path) -> None:
    assert "手を振る" in said(ended(folder, "stream-watch", FILM, *WATCH))
    found = ended(folder, "stream-models", "show", "grüßen.toml")
    assert "für Prüfungen" in said(found)


def test_a_report_and_an_evaluation_read_and_write_them(folder: Path) -> None:
    said(ended(folder, "stream-report", FILM, *WATCH, "--out", "Bericht ä", "--form", "csv,html"))
    assert any(LABELS[0] in path.read_text("utf-8") for path in (folder / "Bericht ä").rglob("*.csv"))
    found = json.loads(said(ended(folder, "stream-eval", "grüßen.toml", "Daten/clips.csv", "--json", "-")))
    assert LABELS[2] in json.dumps(found, ensure_ascii=False)


def test_what_is_not_accepted_is_said_in_full(folder: Path) -> None:
    found = ended(folder, "stream-watch", FILM, *WATCH, "--allow", "Äpfel")
    said(found, 2)
    assert "Äpfel" in found.stderr.decode()
    assert LABELS[1] in found.stderr.decode()
    found = ended(folder, "stream-watch", "Fön.mp4", *WATCH)
    said(found, 1)
    assert "Fön.mp4" in found.stderr.decode()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_letters_that_an_encoding_lacks_are_escaped(folder: Path, encoding: str) -> None:
    found = ended(folder, "stream-watch", FILM, *WATCH, PYTHONUTF8="1", PYTHONIOENCODING=encoding)
    assert b"Traceback" not in found.stderr
    assert found.returncode == 0
    assert b"\\u624b" in found.stdout
