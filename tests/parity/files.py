"""Google's side of `make imports`: its own files, written by its own code from weights that are known by their names.

    python -m tests.parity.files CASE FOLDER

writes FOLDER/saved (a SavedModel, by `export_saved_model.py`), FOLDER/checkpoint and FOLDER/model.weights.h5.
"""

import sys
from pathlib import Path

from tests.parity import reference
from tests.parity.cases import CASES

import tensorflow as tf  # isort: skip  # after `reference`, which chooses the old Keras
from official.projects.movinet.tools import export_saved_model  # isort: skip


def main(name: str, out: str) -> None:
    case, folder = next(case for case in CASES if case.name == name), Path(out)
    model = reference.build(case)
    reference.fill(model, case.kind)
    tf.train.Checkpoint(model=model).save(str(folder / "checkpoint" / "ckpt"))
    model.save_weights(str(folder / "model.weights.h5"))
    shape = (None, None, None, None, 3)
    export_saved_model.export_saved_model(model, shape, str(folder / "saved"), causal=case.kind == "stream")


if __name__ == "__main__":
    main(*sys.argv[1:])
