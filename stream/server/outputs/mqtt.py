"""MQTT: labels and events for a home or a factory, and for Home Assistant without configuring it.

    TOPIC/availability          retained: online, or offline, which the broker says itself where the server is gone
    TOPIC/SOURCE/availability   retained: online while frames come
    TOPIC/SOURCE/action         retained, JSON: {"action": the one that lasts, or "none", "probability", "since"}
    TOPIC/SOURCE/picture        retained, JPEG, with `pictures` only: the source as an action began
    TOPIC/SOURCE/event          JSON, at least once: rows of begins and ends, each with its id

An event counts as taken when the broker has acknowledged it; until then it waits in memory, bounded.
"""

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from stream.config import check
from stream.errors import OutputError, UsageError
from stream.server.news import Over
from stream.server.outputs import _discovery
from stream.server.outputs._lines import text
from stream.server.outputs.base import BEGIN_AND_END, Output, OutputSettings, Told
from stream.server.standing import Standing, State

FIELDS = {
    **dict.fromkeys(
        ("host", "user", "password_env", "password_file", "topic", "discovery", "ca", "client_id"), "a text"
    ),
    "port": "a whole number",
    "tls": "true or false",
    "pictures": "true or false",
}
SECRETS = ("password",)
KEEPALIVE_S = 15
"""Seconds after which a broker that is not heard is gone, and after 1.5 times of which it takes us to be."""
ACKNOWLEDGE_S = 10.0
"""Seconds that the broker has to acknowledge an event."""
LEAVE_S = 2.0
"""Seconds that the last words may take."""
ALIVE = (State.LIVE, State.STALLED)


def build(settings: OutputSettings) -> "Mqtt":
    """Prepare to connect to `host`, `port` (1883; 8883 with `tls`); topics begin with `topic` ("stream").

    Raises:
        UsageError: no host, or a topic that a broker would refuse.
    """
    values = {"topic": "stream", "discovery": "homeassistant", "tls": False, "pictures": False, **settings.values}
    check("host", bool(values.get("host")), "missing", "a host")
    for key in ("topic", "discovery"):
        is_good = not set("+#\0") & set(values[key]) and not values[key].startswith(("$", "/")) and values[key] != ""
        check(key, is_good or (key, values[key]) == ("discovery", ""), repr(values[key]), "a topic without +, # and $")
    port = values.get("port", 8883 if values["tls"] else 1883)
    check("port", 1 <= port <= 65535, port, "1 to 65535")
    place = values["host"], port, values["topic"], values["discovery"]
    return Mqtt(settings.name, _client(settings, values), *place, has_pictures=values["pictures"])


def _client(settings: OutputSettings, values: Mapping[str, Any]) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2, values.get("client_id", ""))
    client.max_queued_messages_set(100)
    client.reconnect_delay_set(1, 60)
    if "user" in values:
        client.username_pw_set(values["user"], values.get("password"))
    if values["tls"]:
        try:
            client.tls_set(str(settings.path("ca")) if "ca" in values else None)
        except OSError as error:
            raise UsageError(f"ca cannot be read: {error.strerror}; accepted: a file of PEM") from error
    return client


class Mqtt(Output):
    """One connection; paho's thread keeps it, and makes it anew."""

    def __init__(
        self, name: str, client: paho.Client, host: str, port: int, topic: str, discovery: str, *, has_pictures: bool
    ) -> None:
        """Connect to nothing yet."""
        self.place = host, port, topic, discovery, has_pictures
        """What decides where it publishes."""
        self._has_pictures, self._is_retired = has_pictures, False
        self._name, self._client, self._host, self._port = name, client, host, port
        self._topic, self._discovery = topic, discovery
        self._lock, self._connected = threading.Lock(), threading.Event()
        self._is_alive = dict[str, bool]()
        self._actions = dict[str, dict[str, Any]]()
        self._labels = dict[str, tuple[str, ...]]()
        self._words = "it is not connected yet"
        client.on_connect, client.on_disconnect = self._greet, self._lost_touch
        client.will_set(f"{topic}/availability", "offline", qos=1, retain=True)

    def __enter__(self) -> Self:
        """Begin to connect; it is tried for as long as it takes."""
        self._client.connect_async(self._host, self._port, KEEPALIVE_S)
        self._client.loop_start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connected.is_set():
            words = "" if self._is_retired else "offline"  # under another topic nobody would ever say otherwise
            farewell = self._client.publish(f"{self._topic}/availability", words, qos=1, retain=True)
            farewell.wait_for_publish(LEAVE_S)
        self._client.disconnect()
        self._client.loop_stop()

    def take(self, told: Told) -> None:
        """Publish what was told; what only shows how things are need not be acknowledged."""
        events = told.about(frozenset(BEGIN_AND_END))
        if events and not self._connected.is_set():
            raise OutputError(self.trouble)
        for row in events:
            sent = self._client.publish(f"{self._topic}/{told.source}/event", text(row), qos=1)
            if not _is_acknowledged(sent):
                raise OutputError(f"{self._host}:{self._port} did not acknowledge an event in {ACKNOWLEDGE_S:g} s")
        with self._lock:
            self._note(told, events)

    def forget(self, source: str) -> None:
        """Take back what the broker retains of a source."""
        with self._lock:
            for known in (self._is_alive, self._actions, self._labels):
                known.pop(source, None)
        for topic in self._retained(source):
            self._client.publish(topic, "", qos=1, retain=True)

    def retire(self, successor: OutputSettings | None) -> None:
        """Take back what the broker retains and the successor will not publish again."""
        kept = build(successor) if successor and successor.kind == "mqtt" else None
        is_same = kept is not None and kept.place == self.place
        with self._lock:
            known = list(self._actions)
        for source in known:
            if not (is_same and successor and source in successor.sources):
                self.forget(source)
        if not is_same:
            self._is_retired = True

    def _retained(self, source: str) -> list[str]:
        """List the topics of a source that the broker retains."""
        own = [f"{self._topic}/{source}/{name}" for name in ("availability", "action", "picture")]
        return [*own, *_discovery.messages(self._discovery, self._topic, source, has_pictures=True)]

    @property
    def trouble(self) -> str:
        """Why there is no connection."""
        return "" if self._connected.is_set() else f"{self._host}:{self._port}: {self._words}"

    def _note(self, told: Told, events: list[dict[str, Any]]) -> None:
        """Remember how a source is, and say what has changed."""
        is_new = told.source not in self._actions
        actions = self._actions.setdefault(told.source, {})
        for row in events:
            if row["phase"] == "begin":
                actions[row["label"]] = row
            else:
                actions.pop(row["label"], None)
        if events or is_new:
            self._say_action(told.source)
        if self._has_pictures and any(row["phase"] == "begin" for row in events) and (jpeg := told.picture()):
            self._client.publish(f"{self._topic}/{told.source}/picture", jpeg, qos=1, retain=True)
        was_alive = self._is_alive.get(told.source)
        match told.news:
            case Standing():
                self._is_alive[told.source] = told.news.state in ALIVE
                is_new = is_new or self._labels.get(told.source) != told.news.labels
                self._labels[told.source] = told.news.labels
            case Over():
                self._is_alive[told.source] = False
        if is_new:
            self._announce(told.source)
        if is_new or self._is_alive.get(told.source) is not was_alive:
            self._say_alive(told.source)

    def _greet(self, client: paho.Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        """Say that we are here, and all that is known: the broker may have forgotten it."""
        if code.is_failure:
            self._words = f"it refused us: {code}"
            return
        client.publish(f"{self._topic}/availability", "online", qos=1, retain=True)
        with self._lock:
            for source in self._actions:
                self._announce(source)
                self._say_action(source)
                self._say_alive(source)
        self._connected.set()

    def _lost_touch(self, _client: paho.Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        if self._connected.is_set():
            self._words = f"the connection ended: {code}"
        self._connected.clear()

    def _announce(self, source: str) -> None:
        entities = _discovery.messages(
            self._discovery, self._topic, source, self._labels.get(source, ()), has_pictures=self._has_pictures
        )
        for topic, payload in entities.items():
            self._client.publish(topic, text(payload), qos=1, retain=True)

    def _say_alive(self, source: str) -> None:
        words = "online" if self._is_alive.get(source) else "offline"
        self._client.publish(f"{self._topic}/{source}/availability", words, qos=1, retain=True)

    def _say_action(self, source: str) -> None:
        row = max(self._actions[source].values(), key=lambda row: float(row["probability"]), default=None)
        said = {"action": "none", "probability": None, "since": None}
        if row:
            said = {"action": row["label"], "probability": row["probability"], "since": row["time"]}
        self._client.publish(f"{self._topic}/{source}/action", text(said), qos=1, retain=True)


def _is_acknowledged(sent: paho.MQTTMessageInfo) -> bool:
    try:
        sent.wait_for_publish(ACKNOWLEDGE_S)
        return sent.is_published()
    except (ValueError, RuntimeError):  # there was no room, or no connection
        return False
