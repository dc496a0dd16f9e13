"""One example for each output: the fields of a table that is accepted."""

EXAMPLES: dict[str, dict[str, object]] = {
    "activitynet": {"folder": "."},
    "jsonl": {"path": "labels.jsonl"},
    "mqtt": {"host": "127.0.0.1", "port": 1},
    "vtt": {"folder": "."},
    "webhook": {"url": "http://127.0.0.1:1/hook"},
}
