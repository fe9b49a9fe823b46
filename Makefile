# Everything on a fresh machine: `make run` and `make test` set up .venv themselves.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lint format docs clean

run: .venv/run
	$(BIN)/collateral run paper-windows --out results/paper-windows --resume
	$(BIN)/collateral run paper-models --out results/paper-models --resume
	$(BIN)/collateral report results/paper-models

test: lint
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/docs
	$(BIN)/sphinx-build -W --keep-going -q docs docs/_build/html
	@echo "docs/_build/html/index.html"

clean:
	rm -rf .venv results docs/_build docs/_notebooks docs/command-line.md

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed (PYTHON=python3.12 make ...)" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade "pip>=25.1"  # the first with dependency groups

.venv/run: .venv/bin/pip pyproject.toml
	$(BIN)/pip install --quiet --editable .
	@touch $@

.venv/dev: .venv/run
	$(BIN)/pip install --quiet --editable ".[$(EXTRAS)]" --group dev
	@touch $@

.venv/docs: .venv/run
	$(BIN)/pip install --quiet --group docs
	@touch $@

# What the tests exercise beyond the default install; each is optional for users.
EXTRAS ?= app,cluster,evm,prices,yahoo

# Processes that share the tests.
JOBS ?= 2
