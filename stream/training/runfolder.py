"""The folder of a run: its log, its checkpoints."""

import json
from pathlib import Path
from typing import Any

import torch

LOG = "log.jsonl"
"""A line for every batch, and one for every look at the validation clips."""

CHECKPOINT, BEST = "checkpoint.pt", "best.pt"
"""What a resumed run goes on from; the weights of the lowest validation loss."""


class RunFolder:
    """Files that a kill cannot leave half written."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path

    def write(self, line: dict[str, float]) -> None:
        """Add a line to the log."""
        with (self.path / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def clear(self) -> None:
        """Remove the log and the checkpoints of another run."""
        for name in (LOG, CHECKPOINT, BEST):
            (self.path / name).unlink(missing_ok=True)

    def cut(self, batches: int) -> None:
        """Take from the log what comes after a batch."""
        log = self.path / LOG
        lines = log.read_text("utf-8").splitlines(keepends=True) if log.exists() else []
        whole = [line for line in lines if line.endswith("\n")]
        log.write_text("".join(line for line in whole if json.loads(line)["batch"] <= batches), "utf-8")

    @property
    def is_over(self) -> bool:
        """Say whether a run came to its end here."""
        found = self.load(CHECKPOINT, torch.device("cpu"))
        return found is not None and bool(found.get("is_over"))

    def save(self, name: str, values: dict[str, Any]) -> None:
        """Write tensors and numbers."""
        part = self.path / f"{name}.part"
        torch.save(values, part)
        part.replace(self.path / name)

    def load(self, name: str, device: torch.device) -> dict[str, Any] | None:
        """Read what `save` wrote; values only, never code. None where there is nothing."""
        path = self.path / name
        if not path.is_file():
            return None
        values: dict[str, Any] = torch.load(path, weights_only=True, map_location=device)
        return values
