"""What Home Assistant is told, so that sources appear there by themselves.

Source: Home Assistant, MQTT integration, MQTT discovery and the platforms `sensor`, `event` and `binary_sensor`.
"""

from typing import Any


def messages(prefix: str, topic: str, source: str) -> dict[str, dict[str, Any]]:
    """Return topic -> configuration of the entities of one source, to be retained; none where `prefix` is empty."""
    if not prefix:
        return {}
    node = "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in f"{topic}_{source}")
    server, camera = f"{topic}/availability", f"{topic}/{source}/availability"
    shared = {
        "device": {"identifiers": [node], "name": source, "manufacturer": "movinet-stream", "model": "stream-serve"},
        "origin": {"name": "movinet-stream"},
    }
    while_seen = {"availability": [{"topic": server}, {"topic": camera}], "availability_mode": "all"}
    entities: dict[str, tuple[str, dict[str, Any]]] = {
        "action": (
            "sensor",
            {
                "name": "Action",
                "icon": "mdi:motion-sensor",
                "state_topic": f"{topic}/{source}/action",
                "value_template": "{{ value_json.action }}",
                "json_attributes_topic": f"{topic}/{source}/action",
                **while_seen,
            },
        ),
        "event": (
            "event",
            {
                "name": "Event",
                "state_topic": f"{topic}/{source}/event",
                "event_types": ["begin", "end"],
                "value_template": "{{ dict(value_json, event_type=value_json.phase) | tojson }}",
                **while_seen,
            },
        ),
        "seen": (
            "binary_sensor",
            {
                "name": "Camera",
                "device_class": "connectivity",
                "state_topic": camera,
                "payload_on": "online",
                "payload_off": "offline",
                "availability": [{"topic": server}],
            },
        ),
    }
    return {
        f"{prefix}/{platform}/{node}/{name}/config": {**shared, **entity, "unique_id": f"{node}_{name}"}
        for name, (platform, entity) in entities.items()
    }
