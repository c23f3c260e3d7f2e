# Everything here needs python3 and make, nothing else. `make` alone lists the targets.
PYTHON ?= python3
VENV ?= .venv
PYVER := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
CONSTRAINTS := constraints/dev-$(PYVER).txt
BIN := $(VENV)/bin
# Tests start hundreds of processes, each of which would compile the whole package anew.
unexport PYTHONDONTWRITEBYTECODE
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test slow release test-all lint typecheck integration bench docs clean install

help:  ## this list
	@$(PYTHON) -c 'import re; [print("  make %-12s %s" % m) for m in re.findall(r"^([a-z-]+):.*?## (.*)$$", open("Makefile").read(), re.M)]'

$(STAMP): pyproject.toml src/table_rewards/_version.py $(wildcard $(CONSTRAINTS))
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]" $(if $(wildcard $(CONSTRAINTS)),--constraint $(CONSTRAINTS))
	@touch $(STAMP)

install: $(STAMP)  ## the development environment in .venv

demo: $(STAMP)  ## score the shipped real fixtures with every reward
	@$(BIN)/table-rewards demo

test: $(STAMP) lint  ## the fast suite, doctests, lint and types
	$(BIN)/python -m pytest -q -n 3 --dist loadfile  # on two cores: a sixth of the tests' time is waiting

lint: $(STAMP)  ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check src tests benchmarks adapters
	$(BIN)/ruff format --check src tests benchmarks adapters
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

slow: $(STAMP)  ## what takes minutes and needs no framework: whole corpora, a million rows, fuzzing at scale
	$(BIN)/python -m pytest -q -m slow -n 2 --dist worksteal tests --ignore=tests/integration --ignore=tests/release

release: $(STAMP)  ## build wheel and sdist, install them clean, alone and with each light extra, run the demo
	$(BIN)/python -m pytest -q -m slow tests/release

test-all: $(STAMP)  ## the fast suite on every CPython 3.10 to 3.13 that is on this machine
	$(BIN)/nox

integration: $(STAMP)  ## the slow suite: real verl, ms-swift, TRL, Ray and NeMo Gym, each in an environment of its own; writes docs/matrix.md
	$(BIN)/nox -s verl swift swift3 trl ray gym
	$(BIN)/python tests/integration/support/matrix.py

bench: $(STAMP)  ## measure against peers and write docs/benchmarks.md; BENCH=teds runs one, PEERS=folder adds graders
	$(BIN)/python benchmarks/run.py $(BENCH) $(if $(PEERS),--peers $(PEERS)) $(if $(REMARK),--remark "$(REMARK)")

docs: $(STAMP)  ## build docs/_build/html, warnings are errors
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

clean:  ## remove what the other targets made
	$(PYTHON) -c 'import shutil, pathlib; [shutil.rmtree(p, ignore_errors=True) for g in (".venv*", "docs/_build", "build", "dist", ".*_cache", ".hypothesis", ".nox", "**/__pycache__") for p in list(pathlib.Path(".").glob(g))]'
