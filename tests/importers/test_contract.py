"""Every importer knows its own files, no other's, and gives every parameter of the net."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from stream import importers, rooms
from stream.catalogue import BLOBS
from stream.errors import ModelError, UsageError
from stream.importers import _archives, _pickles, h5, savedmodel
from stream.nets._movinet_identity import identify
from tests import tiny
from tests.importers import port
from tests.importers.examples import ELSEWHERE, EXAMPLES


@pytest.fixture(scope="module", params=rooms.names("importers"))
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """An importer's name, and a file of its kind."""
    if request.param in ELSEWHERE:
        pytest.skip("its files need TensorFlow: make imports")
    return request.param, EXAMPLES[request.param](tmp_path_factory.mktemp(request.param))


def test_every_importer_has_an_example() -> None:
    assert set(rooms.names("importers")) == set(EXAMPLES) | ELSEWHERE


def test_only_one_importer_recognises_a_file(example: tuple[str, str]) -> None:
    name, source = example
    known = [other for other in rooms.names("importers") if rooms.find("importers", other).recognises(source)]
    assert known == [name]
    assert importers.find(source).__name__.endswith(f".{name}")


def test_it_gives_finite_numbers_for_exactly_the_nets_parameters(example: tuple[str, str]) -> None:
    name, source = example
    reading = rooms.find("importers", name).read(source, {})
    variant, kind, classes = identify(reading.weights)
    assert (kind, classes) == ("stream", 5)
    assert variant == ("a0" if name == "port" else "t0")
    assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in reading.weights.values())
    assert (reading.reference is None) == bool(reading.note), "who compares with nothing says so"


def test_what_nobody_knows_is_refused_with_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UsageError, match=r"nothing that can be imported; known: .*PyTorch port; .*a SavedModel"):
        importers.find(str(tmp_path / "notes.txt"))
    with pytest.raises(UsageError, match="no such file or folder"):
        importers.find(str(tmp_path / "nothing"))


@pytest.mark.parametrize("name", port.models())
def test_the_manifest_is_what_the_ports_own_code_makes(name: str) -> None:
    model = port.models()[name]
    shapes = port.shapes(model)
    assert (len(shapes), port.digest(shapes)) == (model.count, model.digest)


@pytest.mark.parametrize("name", port.models())
def test_every_file_of_the_port_becomes_exactly_our_net(name: str) -> None:
    from stream.cards import Card
    from stream.importers._named import convert_all
    from stream.nets.movinet import build

    model = port.models()[name]
    zeros = {entry: np.zeros(shape, np.float32) for entry, shape in port.shapes(model).items() if "num_b" not in entry}
    found = convert_all(zeros, model.kind)
    assert identify(found) == (model.variant, model.kind, 600)
    labels = tuple(map(str, range(600)))
    card = Card(
        name=name, architecture="movinet", variant=model.variant, kind=model.kind, side_px=64, fps=5, labels=labels
    )
    with torch.device("meta"):
        net = build(card).state_dict()
    assert {key: value.shape for key, value in found.items()} == {
        key: tuple(value.shape) for key, value in net.items() if "num_b" not in key
    }


def test_the_catalogue_has_a_file_for_every_model_of_the_port() -> None:
    files = {name.split("_statedict")[0].removeprefix("model").lower().replace("_", "-") for name in BLOBS}
    assert {file if "stream" in file else f"{file}-base" for file in files} == set(port.models())


def test_a_pickle_that_would_run_something_runs_nothing(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "was here",)

    file = tmp_path / "evil.pt"
    torch.save({"conv1.conv_1.conv2d.weight": Evil()}, file)
    assert _pickles.is_pickle(str(file))
    with pytest.raises(ModelError, match="not a file of weights alone, or damaged: refused"):
        _pickles.read(str(file))
    with pytest.raises(ModelError, match="not a file of weights alone"):
        importers.find(str(file)).read(str(file), {})
    assert not (tmp_path / "was here").exists()


@pytest.mark.parametrize("content", [{"a": 1}, [torch.zeros(1)], {"a": torch.tensor([float("nan")])}])
def test_what_is_no_state_dict_of_numbers_is_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(ModelError, match=r"does not hold a state dict|not finite"):
        _pickles.read(str(tmp_path / "x.pt"))


def test_a_file_of_torch_save_that_is_cut_short_or_of_another_net_says_so(tmp_path: Path) -> None:
    torch.save({"layer.weight": torch.zeros(2)}, tmp_path / "other.pt")
    with pytest.raises(ModelError, match=r"holds layer\.weight: the names of neither this project's nets nor"):
        importers.find(str(tmp_path / "other.pt")).read(str(tmp_path / "other.pt"), {})
    (tmp_path / "cut.pt").write_bytes((tmp_path / "other.pt").read_bytes()[:300])
    with pytest.raises(ModelError, match=r"cut\.pt is damaged or cut short"):
        importers.find(str(tmp_path / "cut.pt")).read(str(tmp_path / "cut.pt"), {})


def test_an_onnx_file_is_known_by_what_it_holds_and_says_when_it_is_damaged(tmp_path: Path) -> None:
    content = (tmp_path / tiny.write(tmp_path, "relu6").weights).read_bytes()
    (tmp_path / "weights").write_bytes(content)
    assert importers.form(importers.find(str(tmp_path / "weights"))) == "onnx"
    (tmp_path / "cut.onnx").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match=r"cut\.onnx is damaged, or no ONNX file"):
        importers.find(str(tmp_path / "cut.onnx")).read(str(tmp_path / "cut.onnx"), {})


@pytest.mark.filterwarnings("ignore:TypedStorage:UserWarning", "ignore:torch.quantize:UserWarning")
def test_tensors_that_are_not_dense_numbers_are_refused_by_name(tmp_path: Path) -> None:
    odd = {
        "sparse": torch.eye(3).to_sparse(),
        "quantised": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
        "complex": torch.ones(3, dtype=torch.complex64),
        "without numbers": torch.ones(3, device="meta"),
    }
    for words, value in odd.items():
        torch.save({"stem.conv.weight": value}, tmp_path / "odd.pt")
        with pytest.raises(ModelError, match=f"stem.conv.weight is a tensor that is {words}; accepted: dense numbers"):
            _pickles.read(str(tmp_path / "odd.pt"))
    torch.save({"stem.conv.weight": torch.ones(1).expand(1 << 16, 1 << 16)}, tmp_path / "odd.pt")
    with pytest.raises(ModelError, match="holds 4294967296 numbers"):
        _pickles.read(str(tmp_path / "odd.pt"))


def test_hdf5_that_leads_elsewhere_or_says_it_is_huge_is_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    (tmp_path / "elsewhere").write_bytes(bytes(400))
    for name, options in {
        "external": {"shape": (100,), "dtype": "f4", "external": [(str(tmp_path / "elsewhere"), 0, 400)]},
        "huge": {"shape": (1 << 40,), "dtype": "f4", "chunks": (1024,)},
    }.items():
        with h5py.File(tmp_path / f"{name}.weights.h5", "w") as file:
            file.create_dataset("weights", **options)
        with pytest.raises(ModelError, match=r"weights (lies in another file|has 1099511627776 numbers)"):
            h5._values(str(tmp_path / f"{name}.weights.h5"))
    with h5py.File(tmp_path / "linked.weights.h5", "w") as file:
        file["weights"] = h5py.ExternalLink(str(tmp_path / "huge.weights.h5"), "weights")
    assert h5._values(str(tmp_path / "linked.weights.h5")) == {}, "links to other files are not followed"


def test_an_archive_that_is_cut_short_says_so(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(bytes(range(256)) * 4000)
    with tarfile.open(tmp_path / "whole.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "saved_model.pb", "saved_model.pb")
    whole = (tmp_path / "whole.tar.gz").read_bytes()
    for share in (0.2, 0.6, 0.95):
        (tmp_path / "cut.tar.gz").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises((ModelError, UsageError), match=r"cut\.tar\.gz"):
            importers.find(str(tmp_path / "cut.tar.gz")).read(str(tmp_path / "cut.tar.gz"), {})


def test_an_archive_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_text("x")
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "saved_model.pb", "m/saved_model.pb")
        archive.add(tmp_path / "saved_model.pb", "../escaped")
    assert savedmodel.recognises(str(tmp_path / "evil.tar.gz"))
    with (
        pytest.raises(ModelError, match="cannot be unpacked"),
        _archives.opened(str(tmp_path / "evil.tar.gz"), savedmodel.INNER),
    ):
        pass


def test_an_archive_gives_its_file_and_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_text("x")
    with tarfile.open(tmp_path / "good.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "saved_model.pb", "a3/saved_model.pb")
        archive.add(tmp_path / "saved_model.pb", "a3/variables/variables.index")
    with _archives.opened(str(tmp_path / "good.tar.gz"), savedmodel.INNER) as file:
        assert (file.parent / "variables" / "variables.index").exists()
    assert not file.exists()
