# Every target sets up what it needs: a .venv with the versions of constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# also for the tools that build the package, whichever variable this pip reads
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_BUILD_CONSTRAINT := $(CURDIR)/constraints.txt

# these bring versions of their own, which those of constraints.txt would rule out
PIP_INSTALL := env -u PIP_CONSTRAINT -u PIP_BUILD_CONSTRAINT

.PHONY: demo test check tests chaos bench bench-peers servers test-servers test-clients format clean

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

# what runs cost; writes docs/performance.md
bench: $(READY)
	$(BIN)/python benchmarks/page.py

# other frameworks, each in an environment of its own
bench-peers: $(READY)
	$(BIN)/python benchmarks/compare.py

# aimock, for tests/servers: once it is here, `make tests` talks to it, too
servers: .servers/.ready

# the same, and through the litellm proxy as well
test-servers: $(READY) servers .venv-litellm/.ready
	AGENTKIT_LITELLM=.venv-litellm $(BIN)/python -m pytest tests/servers

# openai-agents and pydantic-ai, against the server of agentkit.testing
test-clients: $(READY) .venv-clients-openai-agents/.ready .venv-clients-pydantic-ai/.ready
	$(BIN)/python -m pytest tests/clients

.servers/.ready: tests/servers/package.json
	mkdir -p .servers
	cp tests/servers/package.json .servers
	npm install --prefix .servers --engine-strict --ignore-scripts --no-package-lock --no-audit --no-fund --fetch-retries=1 --loglevel=error
	@touch $@

.venv-litellm/.ready: tests/servers/requirements-litellm.txt
.venv-clients-openai-agents/.ready: tests/clients/requirements-openai-agents.txt
.venv-clients-pydantic-ai/.ready: tests/clients/requirements-pydantic-ai.txt
.venv-%/.ready:
	$(PYTHON) -m venv $(@D)
	$(PIP_INSTALL) $(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "agentkit needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,fast]'
	@touch $@

clean:
	rm -rf $(VENV) .venv-* .servers build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
