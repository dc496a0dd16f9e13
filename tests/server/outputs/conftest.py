"""What several outputs are tested on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 64 kB."""
    with disks.small(tmp_path / "disk") as folder:
        yield folder
