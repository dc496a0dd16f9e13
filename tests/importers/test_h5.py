"""HDF5 files that reach for other files, or unpack to more than any model has."""

from pathlib import Path

import numpy as np
import pytest

from stream.errors import ModelError
from stream.importers import h5

h5py = pytest.importorskip("h5py", reason="the extra `tf` is not installed")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["a"] = np.ones(3)
    (tmp_path / "secret.bin").write_bytes(b"12345678" * 4)
    return tmp_path / "secret.h5"


def test_what_lies_in_another_file_is_refused(secret: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "link.weights.h5", "w") as file:
        file["own"], file["else"] = np.zeros(2), h5py.ExternalLink("secret.h5", "/a")
    with h5py.File(tmp_path / "bytes.weights.h5", "w") as file:
        file.create_dataset("else", (4,), "f8", external=[(str(tmp_path / "secret.bin"), 0, 32)])
    with h5py.File(tmp_path / "virtual.weights.h5", "w") as file:
        layout = h5py.VirtualLayout((3,), "f8")
        layout[:] = h5py.VirtualSource(str(secret), "a", (3,))
        file.create_virtual_dataset("else", layout)
    for name in ("link", "bytes", "virtual"):
        with pytest.raises(ModelError, match="else lies in another file"):
            h5._values(str(tmp_path / f"{name}.weights.h5"))


def test_numbers_that_are_not_there_are_counted_before_room_is_made_for_them(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "much.weights.h5", "w") as file:
        for number in range(3):
            file.create_dataset(f"n{number}", (1 << number * 20,), "f4", chunks=(1,) if not number else (1024,))
    with pytest.raises(ModelError, match="numbers up to n2; accepted"):
        h5._values(str(tmp_path / "much.weights.h5"))


def test_links_that_lead_in_a_circle_end(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "circle.weights.h5", "w") as file:
        file["own"], file["soft"], file["loop"] = np.zeros(2), h5py.SoftLink("/own"), h5py.SoftLink("/loop")
        file.create_group("group")["self"] = file
    assert list(h5._values(str(tmp_path / "circle.weights.h5"))) == ["own"]
