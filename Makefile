# Every recipe works on a machine with Python 3.11, make and PyPI; running one again is quick.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test test-lowest lint format types bench protos memory parity imports clean

help:  ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

NATIVE := hatch_build.py $(wildcard native/*)

$(VENV)/.serving: pyproject.toml constraints.txt $(NATIVE) | $(BIN)/python
	@echo "installing what serving needs into $(VENV) ..."
	$(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(NATIVE) | $(BIN)/python
	@echo "installing what tests need into $(VENV) ..."
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.serving

demo: $(VENV)/.serving  ## server, client, generated gestures and real footage: labels, a video, a timeline
	@$(BIN)/python -c 'from stream.cli.entry import start; start("demo")' --out demo-output

test: $(VENV)/.dev  ## every test that this machine can run
	$(BIN)/python -m pytest

lint: $(VENV)/.dev  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev  ## let ruff rewrite
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.dev  ## mypy --strict on stream/
	$(BIN)/mypy

protos: $(VENV)/.dev  ## generate stream/v1 from protos/, with the oldest supported generator
	$(PYTHON) -m venv .venv-protos
	.venv-protos/bin/python -m pip --disable-pip-version-check install --quiet 'grpcio-tools==1.71.0' 'setuptools<81'
	.venv-protos/bin/python -m grpc_tools.protoc -Iprotos --python_out=. --pyi_out=. --grpc_python_out=. stream/v1/recognition.proto

memory: $(VENV)/.dev  ## the figures and the picture of docs/memory.md: some minutes
	$(BIN)/stream-eval gestures-a0 --protocol memory --plot docs/memory.png

PARITY ?=
parity: $(VENV)/.dev  ## compare with Google's network, live, in an environment of its own
	$(BIN)/python tests/parity/run.py $(PARITY)

IMPORTS ?=
imports: $(VENV)/.dev  ## import what Google's code writes: SavedModels, checkpoints, .weights.h5
	$(BIN)/python -W ignore tests/parity/imports.py $(IMPORTS)

test-lowest:  ## the tests on the lowest versions that pyproject.toml allows
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip --disable-pip-version-check install --quiet --constraint constraints-lowest.txt --editable '.[dev]'
	.venv-lowest/bin/python -m pytest

clean:  ## remove what these recipes made
	rm -rf .venv .venv-* demo-output build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
