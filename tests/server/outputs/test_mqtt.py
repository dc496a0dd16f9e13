"""MQTT, through a real broker."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from stream.server.configuration import outlets
from stream.server.outputs.base import OutputSettings
from stream.server.standing import State
from stream.server.watched.desk import Desk
from stream.types import Phase
from tests.server.live import ROOT, wait_for
from tests.server.outputs import telling
from tests.server.outputs.broker import Broker

paho = pytest.importorskip("paho.mqtt.client", reason="the extra `mqtt` is not installed")


class Ear:
    """Another client of the broker, which hears everything."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, str, bool]] = []
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.on_message = self._hear
        self._ready = threading.Event()
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("#", qos=1)
        self._client.loop_start()
        assert self._ready.wait(10)

    def _hear(self, _client: object, _data: object, message: "paho.MQTTMessage") -> None:
        self.heard.append((message.topic, message.payload.decode(), message.retain))

    def last(self, topic: str) -> str | None:
        return next((payload for found, payload, _ in reversed(self.heard) if found == topic), None)

    def all(self, topic: str) -> list[dict[str, object]]:
        return [json.loads(payload) for found, payload, _ in self.heard if found == topic]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def listening(port: int) -> Iterator[Ear]:
    ear = Ear(port)
    try:
        yield ear
    finally:
        ear.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as broker:
        yield broker


def home(folder: Path, at: int, **values: object) -> OutputSettings:
    values = {"host": "127.0.0.1", "port": at, "topic": "house/stream", **values}
    return OutputSettings(name="home", kind="mqtt", sources=("door",), folder=folder, values=values)


def is_told(desk: Desk) -> bool:
    return desk.standings()[0].waiting_count == 0


def test_events_and_what_goes_on_are_published(broker: Broker, tmp_path: Path) -> None:
    with listening(broker.port) as ear:
        desk = telling.desk(home(tmp_path, broker.port))
        telling.tell(desk, telling.state(State.LIVE), telling.begin(1), telling.used(2))
        wait_for(lambda: "wave" in (ear.last("house/stream/door/action") or ""))
        assert ear.last("house/stream/availability") == "online"
        assert ear.last("house/stream/door/availability") == "online"
        telling.tell(desk, telling.end(3), telling.state(State.FAILED, "gone"))
        wait_for(lambda: ear.last("house/stream/door/availability") == "offline")
        assert json.loads(ear.last("house/stream/door/action") or "")["action"] == "none"
        events = ear.all("house/stream/door/event")
        assert [(row["phase"], row["label"], row["source"]) for row in events] == [
            ("begin", "wave", "door"),
            ("end", "wave", "door"),
        ]
        assert len({row["id"] for row in events}) == 2
        desk.close()
        wait_for(lambda: ear.last("house/stream/availability") == "offline")


def test_who_comes_late_hears_how_things_are_but_no_old_event(broker: Broker, tmp_path: Path) -> None:
    desk = telling.desk(home(tmp_path, broker.port))
    telling.tell(desk, telling.state(State.LIVE), telling.begin(1))
    wait_for(lambda: is_told(desk))
    with listening(broker.port) as ear:
        wait_for(lambda: len({topic for topic, *_ in ear.heard}) == 6)
        assert all(is_retained for *_, is_retained in ear.heard)
        assert json.loads(ear.last("house/stream/door/action") or "")["action"] == "wave"
        assert ear.last("house/stream/door/event") is None
        desk.close()


def test_the_broker_says_that_a_killed_server_is_gone(broker: Broker, tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
from stream.server.standing import State
from tests.server.outputs import telling
from tests.server.outputs.test_mqtt import home, is_told
desk = telling.desk(home(Path({str(tmp_path)!r}), {broker.port}))
telling.tell(desk, telling.state(State.LIVE), telling.begin(1))
while not is_told(desk): time.sleep(0.01)
print("told", flush=True)
time.sleep(60)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        listening(broker.port) as ear,
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) as server,
    ):
        assert server.stdout
        assert server.stdout.readline() == b"told\n"
        assert ear.last("house/stream/availability") == "online"
        server.kill()
        wait_for(lambda: ear.last("house/stream/availability") == "offline")


def test_events_wait_for_a_broker_that_is_away(broker: Broker, tmp_path: Path) -> None:
    desk = telling.desk(home(tmp_path, broker.port))
    telling.tell(desk, telling.state(State.LIVE), telling.begin(1))
    wait_for(lambda: is_told(desk))
    broker.kill()
    wait_for(lambda: bool(desk.standings()[0].trouble))
    telling.tell(desk, telling.end(2), *(telling.begin(number) for number in range(3, 6)))
    assert desk.standings()[0].waiting_count == 4
    broker.start()
    with listening(broker.port) as ear:
        wait_for(lambda: is_told(desk), 60)
        wait_for(lambda: len(ear.all("house/stream/door/event")) == 4)
        assert [row["offset_s"] for row in ear.all("house/stream/door/event")] == [0.2, 0.3, 0.4, 0.5]
        wait_for(lambda: ear.last("house/stream/door/availability") == "online")
        desk.close()


def test_home_assistant_finds_the_sources_and_loses_those_that_are_gone(broker: Broker, tmp_path: Path) -> None:
    with listening(broker.port) as ear:
        desk = telling.desk(home(tmp_path, broker.port))
        telling.tell(desk, telling.state(State.LIVE))
        prefix = "homeassistant/sensor/house_stream_door/action"
        wait_for(lambda: ear.last(f"{prefix}/config") is not None)
        said = json.loads(ear.last(f"{prefix}/config") or "")
        assert said["unique_id"] == "house_stream_door_action"
        assert said["state_topic"] == "house/stream/door/action"
        assert [one["topic"] for one in said["availability"]] == [
            "house/stream/availability",
            "house/stream/door/availability",
        ]
        assert said["device"]["identifiers"] == ["house_stream_door"]
        desk.forget("door")
        wait_for(lambda: ear.last(f"{prefix}/config") == "")
        wait_for(lambda: ear.last("house/stream/door/action") == "")
        desk.close()


def test_two_actions_at_once_are_shown_by_the_more_probable(broker: Broker, tmp_path: Path) -> None:
    with listening(broker.port) as ear:
        desk = telling.desk(home(tmp_path, broker.port, discovery=""))
        telling.tell(desk, telling.used(1, telling.event(Phase.BEGIN), telling.event(Phase.BEGIN, label="nod")))
        telling.tell(desk, telling.used(2, telling.event(Phase.END)))
        wait_for(lambda: '"nod"' in (ear.last("house/stream/door/action") or ""))
        assert not any(topic.startswith("homeassistant") for topic, *_ in ear.heard)
        desk.close()


def test_a_login_that_is_refused_is_told_without_it(tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text("")
    with Broker(tmp_path, "allow_anonymous false", f"password_file {tmp_path}/passwords") as broker:
        desk = telling.desk(home(tmp_path, broker.port, user="bob", password="s3cret"))
        wait_for(lambda: "refused us" in desk.standings()[0].trouble)
        assert not any(word in repr(desk.standings()) for word in ("bob", "s3cret"))
        desk.close()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"host": ""}, "host is missing; accepted: a host"),
        ({"topic": "a/#"}, "topic is 'a/#'; accepted: a topic without"),
        ({"topic": "$SYS"}, r"topic is '\$SYS'"),
        ({"port": 0}, "port is 0; accepted: 1 to 65535"),
        ({"tls": True, "ca": "none.pem"}, "ca cannot be read: No such file"),
    ],
)
def test_what_is_not_accepted_is_named_with_what_is(tmp_path: Path, values: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        outlets.build(home(tmp_path, 1, **values))


def retained(port: int) -> dict[str, str]:
    """Return what the broker retains, as a client hears it that comes now."""
    with listening(port) as ear:
        threading.Event().wait(0.5)
        return {topic: payload for topic, payload, is_retained in ear.heard if is_retained and payload}


def test_an_output_that_begins_anew_knows_that_its_sources_live(broker: Broker, tmp_path: Path) -> None:
    one = home(tmp_path, broker.port)
    desk = telling.desk(one)
    telling.tell(desk, telling.state(State.LIVE))
    telling.tell(desk, telling.state(State.LIVE), source="gate")  # not of this output yet
    wait_for(lambda: is_told(desk))
    both = replace(one, sources=("door", "gate"))
    desk.apply({"home": both})
    wait_for(lambda: retained(broker.port).get("house/stream/gate/availability") == "online")
    found = retained(broker.port)
    assert found["house/stream/door/availability"] == found["house/stream/availability"] == "online"
    desk.close()


def test_nothing_is_retained_of_a_source_that_was_removed(broker: Broker, tmp_path: Path) -> None:
    one = replace(home(tmp_path, broker.port, pictures=True), sources=("door", "gate"))
    desk = telling.desk(one)
    for source in ("door", "gate"):
        telling.tell(desk, telling.state(State.LIVE), telling.begin(1), source=source)
    telling.tell(desk, telling.end(2), telling.over(), source="gate")
    desk.forget("gate")  # at once, while that still waits
    desk.apply({"home": replace(one, sources=("door",))})
    wait_for(lambda: is_told(desk))
    wait_for(lambda: not any("gate" in topic for topic in retained(broker.port)))
    assert retained(broker.port)["house/stream/door/availability"] == "online"
    desk.close()


@pytest.mark.parametrize("change", [{"topic": "flat"}, {"discovery": "other"}, None], ids=str)
def test_nothing_is_retained_under_topics_that_were_left(
    broker: Broker, tmp_path: Path, change: dict[str, str] | None
) -> None:
    desk = telling.desk(home(tmp_path, broker.port))
    telling.tell(desk, telling.state(State.LIVE), telling.begin(1))
    wait_for(lambda: is_told(desk))
    desk.apply({"home": home(tmp_path, broker.port, **change)} if change else {})
    wait_for(lambda: not change or len(retained(broker.port)) == 6)
    topics = retained(broker.port)
    old = ("homeassistant/",) if change and "discovery" in change else ("house/", "homeassistant/sensor/house")
    assert not [topic for topic in topics if topic.startswith(old)]
    desk.close()


def test_home_assistant_is_told_labels_versions_and_the_picture(broker: Broker, tmp_path: Path) -> None:
    desk = telling.desk(home(tmp_path, broker.port, pictures=True))
    live = replace(telling.state(State.LIVE), labels=("wave", "nod"))
    desk.tell("door", live, lambda: b"jpeg")
    desk.tell("door", telling.begin(1), lambda: b"jpeg")
    wait_for(lambda: is_told(desk))
    wait_for(lambda: retained(broker.port).get("house/stream/door/picture") == "jpeg")
    found = {
        topic.split("/")[1]: json.loads(payload)
        for topic, payload in retained(broker.port).items()
        if topic.startswith("homeassistant/")
    }
    assert set(found) == {"sensor", "event", "binary_sensor", "image"}
    assert found["event"]["event_types"] == ["wave", "nod"]
    assert (found["sensor"]["device_class"], found["sensor"]["options"]) == ("enum", ["none", "wave", "nod"])
    assert found["image"]["image_topic"] == "house/stream/door/picture"
    for said in found.values():
        assert said["origin"]["sw_version"] == said["device"]["sw_version"] != ""
    assert all(len(found[kind]["availability"]) == 2 for kind in ("sensor", "event", "image"))
    desk.close()
