"""One tree of errors, drawn where it is defined."""

import builtins
import inspect
import re
from pathlib import Path

import pytest

from stream import errors
from stream.errors import MissingDependency, ParityError, StreamError, UnknownPart

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, StreamError)]
DRAWN = re.compile(r"^( *)([A-Z]\w+)(?: \((\w+)\))?", re.MULTILINE)


def drawing() -> dict[str, tuple[str | None, str | None]]:
    """Read the tree in the docstring: class -> (its parent, the built-in it also is)."""
    found: dict[str, tuple[str | None, str | None]] = {}
    above: list[str] = []
    for indent, name, builtin in DRAWN.findall((errors.__doc__ or "").split("\n\n", 1)[1]):
        above = [*above[: len(indent) // 2], name]
        found[name] = (above[-2] if len(above) > 1 else None, builtin or None)
    return found


def test_the_drawing_is_the_tree() -> None:
    assert set(drawing()) == {kind.__name__ for kind in ALL}
    for name, (parent, _) in drawing().items():
        assert parent is None or parent == getattr(errors, name).__bases__[0].__name__


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_is_also_the_built_in_that_the_drawing_names(kind: type[StreamError]) -> None:
    builtin = drawing()[kind.__name__][1]
    assert builtin is None or issubclass(kind, getattr(builtins, builtin))


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_says_what_it_is_for(kind: type[StreamError]) -> None:
    assert kind.__doc__


def test_messages_say_what_was_found_and_what_to_do() -> None:
    assert str(UnknownPart("model", "x", ["b", "a"])) == "no model named 'x'; known: a, b"
    assert str(UnknownPart("model", "x", [])) == "no model named 'x'; known: none"
    said = str(UnknownPart("label", "Wave", ["clap", "wave"]))
    assert said == "no label named 'Wave'; did you mean 'wave'? known: clap, wave"
    assert "pip install 'movinet-stream[plot]'" in str(MissingDependency("the sink 'plot'", "matplotlib", "plot"))
    assert str(ParityError("onnx", 0.01, 1e-4)) == "onnx: largest difference 0.01, tolerance 0.0001"


def test_only_the_command_line_has_errors_of_its_own() -> None:
    root = Path(errors.__file__).parent
    subclass = re.compile(rf"^class \w+\(.*\b({'|'.join(kind.__name__ for kind in ALL)})\b", re.MULTILINE)
    files = {path.relative_to(root) for path in root.rglob("*.py") if subclass.search(path.read_text("utf-8"))}
    assert {path for path in files if path.parts[0] != "cli"} == {Path("errors.py")}
