"""Events posted to a real receiver: none is lost, none that was acknowledged comes again."""

import logging
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from stream.errors import OutputError
from stream.server.configuration import outlets, settings
from stream.server.outputs._spool import Spool
from stream.server.outputs.base import OutputSettings
from tests.server.live import ROOT, wait_for
from tests.server.outputs import telling
from tests.server.outputs.receiver import OK, Receiver, receiving


def hook(folder: Path, receiver: Receiver, **values: object) -> OutputSettings:
    values = {"url": receiver.url, **values}
    return OutputSettings(name="hook", kind="webhook", sources=("door",), folder=folder, values=values)


def numbers(rows: list[dict[str, object]]) -> list[int]:
    return [round(10 * float(str(row["offset_s"]))) for row in rows]


def test_begins_and_ends_are_posted_in_order_with_their_ids_and_the_token(tmp_path: Path) -> None:
    with receiving(Receiver()) as receiver:
        desk = telling.desk(hook(tmp_path, receiver, token="t0ken"))
        telling.tell(desk, telling.begin(1), telling.used(2), telling.end(3))
        wait_for(lambda: len(receiver.requests) == 2)
        desk.close()
    assert [row["phase"] for row in receiver.accepted] == ["begin", "end"]
    for headers, row, _ in receiver.requests:
        assert headers["Idempotency-Key"] == row["id"]
        assert headers["Authorization"] == "Bearer t0ken"
        assert headers["Content-Type"] == "application/json"


def test_a_receiver_that_is_away_gets_everything_once_when_it_is_back(tmp_path: Path) -> None:
    receiver = Receiver()
    with receiving(receiver):
        pass  # it has a port, and is away
    desk = telling.desk(hook(tmp_path, receiver))
    telling.tell(desk, *map(telling.begin, range(20)))
    wait_for(lambda: "cannot be reached: Connection refused" in desk.standings()[0].trouble)
    wait_for(lambda: desk.standings()[0].waiting_count == 20)
    with receiving(receiver):
        wait_for(lambda: desk.standings()[0].waiting_count == 0)
        wait_for(lambda: desk.standings()[0].trouble == "")
        desk.close()
    assert numbers(receiver.accepted) == list(range(20))


def test_a_receiver_that_falters_gets_everything_in_order(tmp_path: Path) -> None:
    statuses = [503, OK, 500, 429, OK, 404]
    with receiving(Receiver(lambda count: statuses[count - 1] if count <= len(statuses) else OK)) as receiver:
        desk = telling.desk(hook(tmp_path, receiver))
        telling.tell(desk, *map(telling.begin, range(5)))
        wait_for(lambda: len(receiver.accepted) == 5, 60)
        desk.close()
    assert numbers(receiver.accepted) == [0, 1, 2, 3, 4]
    assert len(receiver.requests) == 9


def test_what_the_receiver_will_never_have_is_given_up_and_the_rest_goes_on(tmp_path: Path) -> None:
    with receiving(Receiver(lambda count: 422 if count == 2 else OK)) as receiver:
        desk = telling.desk(hook(tmp_path, receiver))
        telling.tell(desk, *map(telling.begin, range(4)))
        wait_for(lambda: len(receiver.requests) == 4)
        wait_for(lambda: desk.standings()[0].waiting_count == 0)
        assert desk.standings()[0].lost["refused"] == 1
        desk.close()
    assert numbers(receiver.accepted) == [0, 2, 3]


def test_a_receiver_says_when_it_wants_to_be_asked_again(tmp_path: Path) -> None:
    with receiving(Receiver(lambda count: 429 if count == 1 else OK, {"Retry-After": "3"})) as receiver:
        desk = telling.desk(hook(tmp_path, receiver))
        began_s = time.monotonic()
        telling.tell(desk, telling.begin(0))
        wait_for(lambda: len(receiver.accepted) == 1)
        assert time.monotonic() - began_s > 2.9
        desk.close()


def test_a_redirection_is_not_followed_and_the_address_is_shown_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with receiving(Receiver()) as victim, receiving(Receiver(lambda _: 307, {"Location": victim.url})) as receiver:
        desk = telling.desk(hook(tmp_path, receiver, token="t0ken"))
        with caplog.at_level(logging.DEBUG):
            telling.tell(desk, telling.begin(0))
            wait_for(lambda: "answered 307" in desk.standings()[0].trouble)
        desk.close()
        assert victim.requests == []
    told = caplog.text + repr(desk.standings()) + repr(hook(tmp_path, receiver, token="t0ken"))
    assert f"http://127.0.0.1:{receiver.port} answered 307" in caplog.text
    assert not any(word in told for word in ("s3cret", "t0ken", "/hook"))


@pytest.mark.parametrize("kills", [4, pytest.param(40, marks=pytest.mark.chaos)])
def test_killed_again_and_again_none_is_lost_and_none_comes_again_but_what_was_on_its_way(
    tmp_path: Path, kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rng, taken = random.Random(7), list[str]()
    with receiving(Receiver(lambda count: 503 if count % 7 == 0 else OK)) as receiver:
        command = [sys.executable, "-m", "tests.server.outputs.teller", str(tmp_path), receiver.url]
        for run in range(kills):
            with subprocess.Popen([*command, str(run)], stdout=subprocess.PIPE, text=True, cwd=ROOT) as teller:
                assert teller.stdout
                taken.append(teller.stdout.readline().strip())
                time.sleep(rng.uniform(0.1, 0.6))
                teller.send_signal(signal.SIGKILL)
                taken += teller.stdout.read().split()
        desk = telling.desk(hook(tmp_path, receiver))
        wait_for(lambda: set(taken) <= {row["id"] for row in receiver.accepted}, 120)
        wait_for(lambda: desk.standings()[0].waiting_count == 0)
        desk.close()
    found = Counter(row["id"] for row in receiver.accepted)
    again = sum(found.values()) - len(found)
    assert len(taken) > 5 * kills
    assert len(found) - len(set(taken)) <= kills, "one that was spooled and not said"
    assert again <= kills, "one that was on its way"
    with capsys.disabled():
        print(f"\n  {kills} kills: {len(taken)} events taken, {len(found)} came, {again} of them twice")  # noqa: T201


def test_the_spool_is_bounded_and_the_oldest_go(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 10)
    spool.add([(str(number), "{}") for number in range(25)])
    assert (spool.count, spool.overflow_count) == (10, 15)
    assert spool.first() == (17, "15", "{}")
    spool.close()


def test_a_spool_belongs_to_one_server(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 10)
    with pytest.raises(OutputError, match=r"cannot use the spool .*spool: database is locked"):
        Spool(tmp_path / "spool", 10)
    spool.close()


def test_on_a_full_disk_what_was_acknowledged_is_gone_and_what_comes_is_told_of(small_disk: Path) -> None:
    spool = Spool(small_disk / "spool", 1000)
    spool.add([(str(number), "x" * 100) for number in range(20)])
    taken = 20
    with (small_disk / "ballast").open("wb", buffering=0) as ballast, pytest.raises(OSError, match="No space"):
        while True:
            assert ballast.write(bytes(1024)) or pytest.fail("the disk is larger than it should be")
    with pytest.raises(OutputError, match=r"cannot use the spool .*: database or disk is full"):
        for taken in range(20, 2000):
            spool.add([(str(taken), "x" * 1000)])
    for number in range(20):
        item = spool.first()
        assert item
        assert item[1] == str(number)
        spool.done(item[0])
    spool.close()
    again = Spool(small_disk / "spool", 1000)
    item = again.first()
    assert (again.count, item and item[1]) == (taken - 20, "20" if taken > 20 else None)
    again.close()


def test_a_file_that_is_no_spool_is_set_aside_and_nothing_is_lost(tmp_path: Path) -> None:
    text = "this is something else, and long enough to be looked at " * 20
    (tmp_path / "hook.spool").write_text(text)
    with receiving(Receiver()) as receiver:
        desk = telling.desk(hook(tmp_path, receiver))
        telling.tell(desk, telling.begin(0))
        wait_for(lambda: len(receiver.accepted) == 1)
        desk.close()
    [aside] = tmp_path.glob("hook.spool.damaged-*")
    assert aside.read_text() == text


def test_secrets_come_from_the_environment_or_a_file_which_is_watched(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken\n")
    (tmp_path / "stream.toml").write_text(
        '[output.hook]\nkind = "webhook"\nurl_env = "HOOK"\ntoken_file = "token"\nsources = []\n'
    )
    found = settings.load(tmp_path / "stream.toml", {"HOOK": "https://hooks.example/s3cret"})
    assert found.outputs["hook"].values == {"url": "https://hooks.example/s3cret", "token": "t0ken"}
    assert set(found.files) == {tmp_path / "stream.toml", tmp_path / "token"}
    assert not any(word in repr(found) for word in ("s3cret", "t0ken"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"url": "ftp://a/b"}, "url is not one; accepted: https://HOST/PATH, or http"),
        ({"url": "https:///s3cret"}, "url is not one"),
        ({"timeout_s": 0}, "timeout_s is 0; accepted: 0.1 to 600 s"),
        ({"max_waiting": 0}, "max_waiting is 0; accepted: 1 to 10000000"),
        ({"spool": "nowhere/spool"}, "spool is .*; accepted: a path in a folder that exists"),
    ],
)
def test_what_is_not_accepted_is_named_with_what_is(tmp_path: Path, values: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        outlets.build(hook(tmp_path, Receiver(), **values))
    assert "s3cret" not in str(caught.value)


def test_a_spool_of_an_older_server_is_read(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "hook.spool") as base:
        base.execute("CREATE TABLE waiting (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, body TEXT)")
        base.execute("INSERT INTO waiting (id, body) VALUES ('old-1', '{\"id\": \"old-1\"}')")
    base.close()
    with receiving(Receiver()) as receiver:
        desk = telling.desk(hook(tmp_path, receiver))
        wait_for(lambda: receiver.accepted == [{"id": "old-1"}])
        desk.close()
