"""One example for each sink: a line per part, the file in a folder that it is to write; None for stdout."""

EXAMPLES: dict[str, str | None] = {
    "activitynet": "labels.json",
    "jsonl": "labels.jsonl",
    "plot": "labels.png",
    "table": None,
    "video": "labels.mp4",
    "vtt": "labels.vtt",
}
