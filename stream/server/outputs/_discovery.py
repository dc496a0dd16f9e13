"""What Home Assistant is told, so that sources appear there by themselves.

Source: Home Assistant, MQTT integration, MQTT discovery and platforms `sensor`, `event`, `image`, `binary_sensor`.
"""

from importlib import metadata
from typing import Any

BEGINS = "{% if value_json.phase == 'begin' %}{{ dict(value_json, event_type=value_json.label) | tojson }}{% endif %}"
"""An event there is the beginning of an action; of nothing it makes no event."""


def messages(
    prefix: str, topic: str, source: str, labels: tuple[str, ...] = (), *, has_pictures: bool = False
) -> dict[str, dict[str, Any]]:
    """Return topic -> configuration of the entities of one source, to be retained; none where `prefix` is empty.

    Args:
        prefix: where Home Assistant looks.
        topic: where ours begin.
        source: the source's name.
        labels: what may begin there.
        has_pictures: whether a picture is published as an action begins.
    """
    if not prefix:
        return {}
    node = "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in f"{topic}_{source}")
    server, camera = f"{topic}/availability", f"{topic}/{source}/availability"
    version = _version()
    shared = {
        "device": {
            "identifiers": [node],
            "name": source,
            "manufacturer": "movinet-stream",
            "model": "stream-serve",
            "sw_version": version,
        },
        "origin": {"name": "movinet-stream", "sw_version": version},
    }
    while_seen = {"availability": [{"topic": server}, {"topic": camera}], "availability_mode": "all"}
    entities = [
        ("sensor", "action", _action(f"{topic}/{source}/action", labels) | while_seen),
        ("event", "event", _event(f"{topic}/{source}/event", labels) | while_seen),
        ("binary_sensor", "seen", _seen(camera) | {"availability": [{"topic": server}]}),
    ]
    if has_pictures:
        entities.append(("image", "picture", _picture(f"{topic}/{source}/picture") | while_seen))
    return {
        f"{prefix}/{platform}/{node}/{name}/config": {**shared, **entity, "unique_id": f"{node}_{name}"}
        for platform, name, entity in entities
    }


def _action(topic: str, labels: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": "Action",
        "icon": "mdi:motion-sensor",
        "device_class": "enum",
        "options": ["none", *(label for label in labels if label != "none")],
        "state_topic": topic,
        "value_template": "{{ value_json.action }}",
        "json_attributes_topic": topic,
    }


def _event(topic: str, labels: tuple[str, ...]) -> dict[str, Any]:
    return {"name": "Event", "state_topic": topic, "event_types": list(labels), "value_template": BEGINS}


def _seen(topic: str) -> dict[str, Any]:
    return {
        "name": "Camera",
        "device_class": "connectivity",
        "state_topic": topic,
        "payload_on": "online",
        "payload_off": "offline",
    }


def _picture(topic: str) -> dict[str, Any]:
    return {"name": "Picture", "image_topic": topic, "content_type": "image/jpeg"}


def _version() -> str:
    try:
        return metadata.version("movinet-stream")
    except metadata.PackageNotFoundError:
        return "of a checkout"
