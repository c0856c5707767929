# The verbs of this project. Each one makes what it needs; none needs another to be called first.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CORE := $(VENV)/.core
DEV := $(VENV)/.dev
# Two cores is the machine we plan for; libraries must not start more threads than that.
export OMP_NUM_THREADS ?= 1
# Thousands of processes start in the tests: each would compile our sources again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-engines drill check bench peers clean
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(CORE): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -q -c constraints.txt 'pip>=25.1'
	$(PIP) install -q -c constraints.txt -e '.[sklearn,lightgbm]'
	@touch $@

$(DEV): $(CORE)
	$(PIP) install -q -c constraints.txt --group test --group check
	@touch $@

demo: $(CORE) ## the taxi loop on 36 months of real rides: table, build/demo/report.html
	$(BIN)/python tools/check_system.py
	$(BIN)/python examples/taxi/demo.py

test: $(DEV) ## the tests (core, under five minutes)
	$(BIN)/python tools/check_system.py
	$(BIN)/python -m pytest -n 2 -m "not engines"

test-engines: $(DEV) ## the tests that need more libraries or data than the core
	bash tools/install_programs.sh
	$(PIP) install -q -c constraints.txt -e '.[delta,frames,iceberg,images,kubeflow,postgres,ray,s3,spark,sql]' --group engines
	$(BIN)/python tools/build_flights_data.py
	$(BIN)/python tools/build_reviews_data.py
	npm install --silent --no-audit --no-fund --fetch-retries=1 --fetch-timeout=60000 --prefix build/node onnxruntime-web@1.30.0 \
	  || echo "onnxruntime-web could not be installed: the proof in Node is skipped" >&2
	$(BIN)/python -m pytest -m engines -rs

drill: $(DEV) ## the long reliability runs: faults, deaths, crowds; each prints how many
	$(BIN)/python -m pytest -m drill -s

check: $(DEV) ## lint, types, import contracts, docs
	$(BIN)/ruff check src tests tools examples bench
	$(BIN)/ruff format --check src tests tools examples bench
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_docs.py

bench: $(DEV) ## benchmarks, as ratios against a peer or a limit in the same run
	$(BIN)/python bench/run.py

peers: $(DEV) ## the peers that `make bench` compares with, each in an environment of its own
	$(BIN)/python bench/environments.py

clean: ## remove what was built
	rm -rf build .treadle $(VENV)
