# Two commands on a fresh machine with nothing but Python and make: `make demo` and `make test`.

PYTHON ?= python3
VENV ?= .venv
JOBS ?= auto
BIN := $(VENV)/bin
SOURCES := cpescript tests benchmarks scripts hatch_build.py

.PHONY: help demo test lint ruff format types layout docs bench clean

help:
	@echo 'make demo   make a virtual environment, install, run the firmware rollout'
	@echo 'make test   the same, and run all tests (JOBS=2 for two at a time)'
	@echo 'make lint   ruff, mypy --strict, the formatters'"'"' checks'
	@echo 'make docs   build the documentation into site/'
	@echo 'make bench  print the table of speeds (BENCH_JSON=FILE keeps it)'
	@echo 'make clean  remove what the others made'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'cpescript needs Python 3.11 or newer; choose one by PYTHON=python3.11' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml hatch_build.py | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml hatch_build.py | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.installed

demo: $(VENV)/.installed
	$(BIN)/cpescript run firmware_rollout
	@echo
	@echo 'That was a firmware rollout over 101 simulated gateways. What next:'
	@echo '  . $(BIN)/activate              the command cpescript, in this shell'
	@echo '  cpescript run firmware_rollout --defect ignores-concurrency'
	@echo '                                  the same with an ACS that is wrong: see it fail'
	@echo '  cpescript new first.cpes        a commented scenario of your own; then: cpescript run first.cpes'
	@echo '  docs/tutorial.md                half an hour from here to failures that you understand'
	@echo '  docs/how-to/real-acs.md         against your own ACS'

test: $(VENV)/.installed-dev
	$(BIN)/cpescript run firmware_rollout
	$(BIN)/python -m pytest --numprocesses $(JOBS)

# Each check is a target of its own, so that `make --keep-going lint` shows all that is wrong.
lint: ruff format types layout

ruff: $(VENV)/.installed-dev
	$(BIN)/ruff check $(SOURCES)

format: $(VENV)/.installed-dev
	$(BIN)/ruff format --check $(SOURCES)

types: $(VENV)/.installed-dev
	$(BIN)/mypy

layout: $(VENV)/.installed-dev
	$(BIN)/cpescript fmt --check scenarios/*.cpes

docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) site build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
