# Every recipe works on a machine with Python 3.11, make and PyPI; running one again is quick.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test test-lowest test-arm64 chaos soak lint format types bench guard sanitize protos memory parity imports web clean

help:  ## say what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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

chaos: $(VENV)/.dev  ## cameras, clients and outputs under many faults, each with its figure; some minutes
	$(BIN)/python -m pytest -m chaos tests/reliability tests/server/outputs

SOAK ?= 300000
soak: $(VENV)/.dev  ## so many frames while clients come and go; draws soak-output/memory.png
	SOAK=$(SOAK) $(BIN)/python -m pytest -m soak tests/reliability

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

# What npm and the exporter make lies in folders that are no part of the repository; a wheel built after this has them.
ORT := ort.wasm.min.mjs ort.webgpu.min.mjs $(foreach kind,threaded threaded.asyncify,ort-wasm-simd-$(kind).mjs ort-wasm-simd-$(kind).wasm)
web: web/ort/.made web/model/model.json  ## what the page for phones runs on: ONNX Runtime from npm, the default model as int8

web/ort/.made: web/package.json
	npm --prefix web install --silent --no-package-lock --no-audit --no-fund --ignore-scripts
	mkdir -p web/ort
	cp $(addprefix web/node_modules/onnxruntime-web/dist/,$(ORT)) web/ort/
	gzip -9kf web/ort/*.wasm
	@touch $@

web/model/model.json: models/gestures-a0.toml $(wildcard stream/exporters/*.py) | $(VENV)/.dev
	$(BIN)/stream-export gestures-a0 --to onnx-int8 --out web/model

BENCH ?=
bench: $(VENV)/.dev  ## time the engines against LiteRT on Google's graph with the same weights, interleaved
	$(PIP) 'ai-edge-litert>=2.1' 'openvino>=2025.0' 'onnxscript>=0.5'
	OMP_NUM_THREADS=1 $(BIN)/python tests/parity/bench.py $(BENCH)

guard:  ## fail where the fused engine takes more than 0.9 of LiteRT's time on A0 in one run
	$(MAKE) bench BENCH='--variants a0 --engines fused --peers ort-plain --clock cpu --rounds 40 --at-most 0.9'

# The check needs no Python; the tests load the sanitised library into one that knows nothing of it, hence the preload.
SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
sanitize: $(VENV)/.dev  ## the fused engine's tests under the address and undefined-behaviour sanitizers
	mkdir -p build
	$(BIN)/python hatch_build.py --program build/check $(SANITIZE)
	build/check
	$(BIN)/python hatch_build.py --library build/_fused.so $(SANITIZE)
	LD_PRELOAD="$$(c++ -print-file-name=libasan.so) $$(c++ -print-file-name=libubsan.so)" ASAN_OPTIONS=detect_leaks=0 \
	  FUSED_LIBRARY=build/_fused.so $(BIN)/python -m pytest -q tests/runtimes/test_fused.py -k "widths or strangely"

test-arm64: $(VENV)/.dev  ## the exported default on an emulated Arm processor; needs qemu-user-static and g++-aarch64-linux-gnu
	$(BIN)/python -m pytest -m arm64 tests/arm64

test-lowest:  ## the tests on the lowest versions that pyproject.toml allows
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip --disable-pip-version-check install --quiet --constraint constraints-lowest.txt --editable '.[dev]'
	.venv-lowest/bin/python -m pytest

clean:  ## remove what these recipes made
	rm -rf .venv .venv-* demo-output soak-output build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
