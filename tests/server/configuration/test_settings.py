"""stream.toml."""

from pathlib import Path

import pytest

from stream.config import SessionSettings
from stream.errors import UsageError
from stream.server.configuration.settings import Configuration, load

WHOLE = """
[defaults]
memory_s = 20
policy = "latest"
deny = ["wave"]

[source.door]
uri = "rtsp://door.example:554/live?channel=1"
user = "view@er"
password_env = "DOOR"
model = "gestures-a0"
max_age_s = 1.5
top_k = 5
is_cut_aware = false

[source.yard-2]
uri = "clips/yard.mp4"
loop = true
policy = "every"
queue = 8
deny = []
"""


def read(folder: Path, text: str, **environment: str) -> Configuration:
    (folder / "stream.toml").write_text(text)
    return load(folder / "stream.toml", environment)


def test_every_field_is_read_and_defaults_hold_where_a_source_says_nothing(tmp_path: Path) -> None:
    sources = read(tmp_path, WHOLE, DOOR="s3/c@ret").sources
    door, yard = sources["door"], sources["yard-2"]
    assert door.uri == "rtsp://view%40er:s3%2Fc%40ret@door.example:554/live?channel=1"
    assert (door.model, door.policy, door.max_age_s) == ("gestures-a0", "latest", 1.5)
    assert door.session == SessionSettings(memory_s=20, top_k=5, is_cut_aware=False, deny=("wave",))
    assert yard.uri == str(tmp_path / "clips/yard.mp4")
    assert (yard.loop, yard.policy, yard.queue) == (True, "every", 8)
    assert yard.session.memory_s == 20


def test_a_password_from_a_file_is_read_and_the_file_is_watched(tmp_path: Path) -> None:
    (tmp_path / "door.secret").write_text("s3cret\n")
    text = '[source.door]\nuri = "rtsp://door.example/live"\nuser = "bob"\npassword_file = "door.secret"\n'
    found = read(tmp_path, text)
    assert found.sources["door"].uri == "rtsp://bob:s3cret@door.example/live"
    assert tuple(found.files) == (tmp_path / "stream.toml", tmp_path / "door.secret")


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    assert "s3cret" not in repr(read(tmp_path, '[source.a]\nuri = "rtsp://bob:s3cret@door.example/live"\n'))


def test_the_same_file_gives_equal_settings(tmp_path: Path) -> None:
    assert read(tmp_path, WHOLE, DOOR="x").sources == read(tmp_path, WHOLE, DOOR="x").sources
    assert read(tmp_path, WHOLE, DOOR="x").sources != read(tmp_path, WHOLE, DOOR="y").sources


GOOD = '[source.a]\nuri = "a.mp4"\n'


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("[source.a\n", "stream.toml: .*line 1", ""),
        ('[sources.a]\nuri = "a.mp4"\n', "stream.toml:1", "there is no sources; accepted: defaults, output, source"),
        ("source = 3\n", "stream.toml", "source is 3; accepted: a table"),
        ("[source.a]\nloop = true\n", "stream.toml:1: source.a", "uri is missing; accepted: .*rtsp://HOST/PATH"),
        ('[source."a b"]\nuri = "a.mp4"\n', "stream.toml:1: source.a b", "name is 'a b'; accepted: 1 to 64 of A-Z"),
        ('[source."../a"]\nuri = "a.mp4"\n', "stream.toml:1", "name is '../a'; accepted"),
        (f"{GOOD}\ntimeout = 3\n", "stream.toml:4: source.a", "there is no timeout; accepted: .*timeout_s"),
        (f"{GOOD}timeout_s = -1\n", "stream.toml:3: source.a", "timeout_s is -1; accepted: more than 0 s"),
        (f'{GOOD}timeout_s = "3"\n', "stream.toml:3: source.a", "timeout_s is '3'; accepted: a number"),
        (f"{GOOD}top_k = true\n", "stream.toml:3: source.a", "top_k is True; accepted: a whole number"),
        (f"{GOOD}loop = 1\n", "stream.toml:3: source.a", "loop is 1; accepted: true or false"),
        (f"{GOOD}deny = [1]\n", "stream.toml:3: source.a", "accepted: a list of texts"),
        (f'{GOOD}policy = "some"\n', "stream.toml:3: source.a", "policy is 'some'; accepted: wait, latest, every"),
        (f"{GOOD}queue = 0\n", "stream.toml:3: source.a", "queue is 0; accepted: 1 to 1000"),
        (f"{GOOD}top_k = 0\n", "stream.toml:3: source.a", "top_k is 0; accepted: 1 or more"),
        ('[defaults]\nuri = "a.mp4"\n', "stream.toml:2: defaults", "there is no uri"),
        ('[source.a]\n# x\nuri = "gopher://a"\n', "stream.toml:3: source.a", "no source named 'gopher'; known: camera"),
        ('[source.a]\nuri = ""\n', "stream.toml:2: source.a", "uri is empty; accepted: what stream-watch takes"),
        ('[source.a]\nuri = "rtsp://"\n', "stream.toml:2: source.a", "accepted: rtsp://user:password@host"),
        (f'{GOOD}user = "bob"\n', "stream.toml:3: source.a", "user with password_env, or user with password_file"),
        (f'{GOOD}user = "bob"\npassword_env = "NO"\n', "stream.toml:4: source.a", "no NO in the environment"),
        (f'{GOOD}user = "bob"\npassword_file = "no"\n', "stream.toml:4: source.a", "no cannot be read: No such file"),
    ],
)
def test_what_is_not_accepted_is_named_with_its_line_and_what_is(
    text: str, where: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=f"{where}.*{words}"):
        read(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"stream\.toml: cannot be read: No such file"):
        load(tmp_path / "stream.toml", {})
