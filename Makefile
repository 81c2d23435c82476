# Everything that people do with this repository. `make up` and `make test` need Python 3.11+ and make, nothing else.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEMBERS := packages/service-kit packages/agent-core packages/offline-planner packages/fake-providers llm-gateway mcp-toolbox agent-http agent-websocket
RUNS := $(VENV)/.installed
TESTS := $(VENV)/.installed-dev
# What the scripts install into and run with.
export VENV_PYTHON := $(abspath $(BIN))/python

.PHONY: help up chat mcp local-model test conformance test-images check lint format types imports bench bench-quick lock install clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A Python that is named here is the environment's: one of another version is made anew.
ifneq ($(origin PYTHON),file)
VERSION_OF = $(shell $(1) -c 'import sys; print(sys.version_info[:2])' 2>/dev/null)
ifneq ($(call VERSION_OF,$(PYTHON)),$(call VERSION_OF,$(BIN)/python))
ANEW := --clear
$(RUNS): FORCE
endif
endif
.PHONY: FORCE
FORCE:

# What runs the suite.
$(RUNS): requirements.lock $(MEMBERS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Say which: make PYTHON=python3.11 …")'
	@$(PYTHON) -c 'import ensurepip' || { echo "Python lacks venv and pip: install python3-venv (Debian, Ubuntu)"; exit 1; }
	@echo "Installing into $(VENV) (half a minute, once) …"
	@test -x $(BIN)/python -a -z "$(ANEW)" || $(PYTHON) -m venv $(ANEW) $(VENV)
	@scripts/install-lock.sh $(BIN)/python requirements.lock --no-compile
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(MEMBERS:%=-e ./%)
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null || true # on all cores, unlike pip; templates are no Python
	@touch $@

# What tests, checks, measures and locks it.
$(TESTS): $(RUNS) requirements-dev.lock
	@echo "Installing what tests it (a minute, once) …"
	@scripts/install-lock.sh $(BIN)/python requirements-dev.lock
	@touch $@

install: $(TESTS) ## the environment alone, with what tests the suite

up: $(RUNS) ## start the four services on loopback and ask a first question; Ctrl-C stops them
	@$(BIN)/python scripts/install_extras.py
	@exec $(BIN)/python scripts/up.py

chat: $(RUNS) ## chat in this terminal with the suite that `make up` runs
	@exec $(BIN)/python -m agent_websocket.chat --url ws://127.0.0.1:$(or $(AGENT_WS_PORT),8002)/ws

mcp: $(RUNS) ## list, call and check MCP servers: ARGS="list", ARGS="call add a=5 b=3", ARGS="check FILE"
	@exec $(BIN)/python -m mcp_toolbox.cli $(ARGS)

local-model: $(RUNS) ## bring and serve a small real language model (or LOCAL_MODEL_PATH=file.gguf)
	@$(BIN)/python scripts/install_extras.py
	@exec $(BIN)/python scripts/local_model.py

test: $(TESTS) ## all tests (brings a Chromium and Node.js if there is none)
	@sh scripts/install-browser.sh >/dev/null
	@$(BIN)/python scripts/local_model.py --install-only
	@sh scripts/install-node-tools.sh
	@sh scripts/install-community-servers.sh
	@$(BIN)/python -m pytest -m "not images" -n 2 --dist loadfile

conformance: $(TESTS) ## MCP's official conformance suite against the toolbox (part of make test too)
	@sh scripts/install-node-tools.sh
	@$(BIN)/python -m pytest tests/conformance

test-images: $(TESTS) ## build the images and test the composed suite (brings a Docker engine on Debian as root)
	@scripts/docker-engine up
	@$(BIN)/python -m pytest -m images

check: lint types imports test ## everything that must hold before a commit

lint: $(TESTS) ## style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(TESTS) ## apply the style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(TESTS) ## types
	@$(BIN)/pyright

imports: $(TESTS) ## which package may import which
	@$(BIN)/lint-imports

bench: $(TESTS) ## compare the gateway with its peers (AGAINST=COMMIT: with itself too); writes bench/results/
	@$(BIN)/python -m bench $(if $(AGAINST),--against $(AGAINST))

bench-quick: $(TESTS) ## our own figures only, in half a minute
	@$(BIN)/python -m bench --quick

lock: $(TESTS) ## resolve the dependencies anew and write every lock
	@$(BIN)/python scripts/lock.py $(ARGS)

clean: ## remove what was installed and built
	rm -rf $(VENV) .venvs .cache test-artifacts tests/node/node_modules
