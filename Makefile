# Every target sets up what it needs: a .venv with the versions of constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# also for the tools that build the package, whichever variable this pip reads
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_BUILD_CONSTRAINT := $(CURDIR)/constraints.txt

.PHONY: demo test check tests chaos bench format clean

demo: $(READY)
	@$(BIN)/python examples/demo.py

test: check tests

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

tests: $(READY)
	$(BIN)/python -m pytest -n auto

# the kills of the suite, and thousands more at random places
chaos: $(READY)
	CHAOS=$${CHAOS:-3000} $(BIN)/python -m pytest -n auto tests/chaos

bench: $(READY)
	$(BIN)/python benchmarks/stored_log.py

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "agentkit needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,fast]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
