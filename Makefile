# Everything happens in .venv/, made from requirements.lock; `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# Leave empty to take python3.11, or else a python3 that is new enough.
PYTHON ?=
# A package index with CPU builds of torch, for a machine whose pip would bring the CUDA build.
TORCH_INDEX ?=
# More arguments for the program that a target runs: make test ARGS="-k formula", make serve ARGS="--port 3001".
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
PIP_QUIET := --quiet --progress-bar off

# Each stamp is written after its step has succeeded, so an interrupted step is done again.
MADE := $(VENV)/.made
DEPENDENCIES := $(VENV)/.dependencies
BUILT := $(VENV)/.built

# The programs that the benchmarks compare with, apart because they do not fit beside superion's own dependencies.
PEERS_VENV := .venv-peers
PEERS_MADE := $(PEERS_VENV)/.made
PEERS := $(PEERS_VENV)/.dependencies
PEERS_PIP := $(PEERS_VENV)/bin/python -m pip --disable-pip-version-check --no-input

# An environment knows its own absolute path: in a copied or moved tree it is made again.
ifneq ($(shell cat $(MADE) 2>/dev/null),$(CURDIR))
$(MADE): again
endif
ifneq ($(shell cat $(PEERS_MADE) 2>/dev/null),$(CURDIR))
$(PEERS_MADE): again
endif

# Processes that share the tests, file by file; 0 for one process with a debugger: make test TEST_PROCESSES=0 ARGS=--pdb
TEST_PROCESSES ?= 2
PYTEST := $(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile

# The compiled extensions lie in the tree, where they can be deleted without the stamp knowing.
ifneq ($(strip $(foreach source,$(wildcard featurizers/*.pyx),$(if $(wildcard $(source:.pyx=).*.so),,$(source)))),)
$(BUILT): again
endif

COMPILED_FROM := setup.py pyproject.toml $(wildcard csrc/*.c csrc/*.h csrc/*.pxd featurizers/*.pyx featurizers/*.pxd)

.PHONY: help install serve test check fuzz bench release-model stability-model lint format typing lock clean distclean again

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

install: $(BUILT) ## make .venv/ with superion on it; TORCH_INDEX=<url> names an index with CPU builds of torch
	@:

serve: install ## answer at http://127.0.0.1:3000
	@exec $(BIN)/superion serve $(ARGS)

test: install ## run the test suite
	@$(PYTEST) -m "not check" $(ARGS)

check: install ## run the long tests: fresh installs, fuzzing, faults
	@$(PYTEST) --no-loadscope-reorder -m check $(ARGS)

# Not in the lock, because there are wheels for x86-64 only; without it tests/fuzz/tracing.py does the work, slower.
ATHERIS := atheris==3.0.0

fuzz: install ## fuzz the readers and the C core at length: ARGS="--seconds 600 --targets cif"
	@$(BIN)/python -c 'import atheris' 2>/dev/null \
	    || $(PIP) install $(PIP_QUIET) --only-binary :all: $(ATHERIS) 2>/dev/null \
	    || echo "$(ATHERIS) cannot be installed here"
	@$(BIN)/python tests/fuzz/run.py $(ARGS)

# Standard output is one JSON document, so the installation reports on standard error.
bench: ## measure the featurisation core beside its peers; docs/benchmarks.md
	@$(MAKE) --no-print-directory install $(if $(filter --no-peers --peers-python%,$(ARGS)),,$(PEERS)) >&2
	@$(BIN)/python benchmarks/run.py $(ARGS)

release-model: install ## train the conductivity model that is shipped
	@$(BIN)/python -m superion.training.release $(ARGS)

stability-model: install ## train the model of stability against lithium metal that is shipped
	@$(BIN)/python -m superion.training.stability.release $(ARGS)

lint: install ## check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python tools/typing_tree.py
	@$(BIN)/mypy

format: install ## put the code into the house format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

typing: install ## check types
	@$(BIN)/python tools/typing_tree.py
	@$(BIN)/mypy

lock: install ## write requirements.lock from pyproject.toml; ARGS=--upgrade newest versions, ARGS=--peers the benchmarks'
	@$(BIN)/python tools/lock.py $(ARGS)

clean: ## remove what was built, keep the environment's packages
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis $(BUILT)
	@find . \( -path ./$(VENV) -o -path ./$(PEERS_VENV) \) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
	@find featurizers -name '*.so' -delete

distclean: clean ## remove the environments too
	@rm -rf $(VENV) $(PEERS_VENV)

$(MADE):
	@python=; \
	for candidate in $(or $(PYTHON),python3.11 python3); do \
	    if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [[ -z $$python ]]; then \
	    echo "superion needs Python 3.11 or newer: $(or $(PYTHON),python3.11) was not found. Install it (Debian and Ubuntu:" \
	        "python3.11 python3.11-venv python3.11-dev) or name one: make PYTHON=/path/to/python $(MAKECMDGOALS)" >&2; \
	    exit 1; \
	fi; \
	$$python -c 'import ensurepip, venv' 2>/dev/null \
	    || { echo "$$python cannot make environments: install its venv package (Debian and Ubuntu: python3.11-venv)" >&2; exit 1; }; \
	$$python -c 'import pathlib, sysconfig, sys; sys.exit(not (pathlib.Path(sysconfig.get_path("include")) / "Python.h").exists())' \
	    || { echo "$$python has no C headers: install them (Debian and Ubuntu: python3.11-dev)" >&2; exit 1; }; \
	command -v $${CC:-gcc} >/dev/null || { echo "no C compiler: install gcc or set CC" >&2; exit 1; }; \
	echo "Making $(VENV) with $$($$python --version)"; \
	$$python -m venv --clear $(VENV); \
	printf '%s\n' '$(CURDIR)' > $@

$(DEPENDENCIES): requirements.lock $(MADE)
	@echo "Installing $$(grep -c == requirements.lock) packages from requirements.lock (once; a few minutes)"
	@$(if $(TORCH_INDEX),$(PIP) install $(PIP_QUIET) --extra-index-url '$(TORCH_INDEX)' -c requirements.lock torch)
	@$(PIP) install $(PIP_QUIET) -r requirements.lock
	@touch $@

$(BUILT): $(COMPILED_FROM) $(DEPENDENCIES)
	@echo "Building superion"
	@$(PIP) install $(PIP_QUIET) --no-build-isolation --no-deps -e .
	@touch $@

$(PEERS_MADE): | $(MADE)
	@$(BIN)/python -m venv --clear $(PEERS_VENV)
	@printf '%s\n' '$(CURDIR)' > $@

$(PEERS): benchmarks/peers.lock $(PEERS_MADE)
	@echo "Installing $$(grep -c == benchmarks/peers.lock) packages from benchmarks/peers.lock (once; a few minutes)"
	@$(if $(TORCH_INDEX),$(PEERS_PIP) install $(PIP_QUIET) --extra-index-url '$(TORCH_INDEX)' -c benchmarks/peers.lock torch)
	@$(PEERS_PIP) install $(PIP_QUIET) -r benchmarks/peers.lock
	@touch $@
