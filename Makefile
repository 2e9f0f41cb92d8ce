# `make ingest` and `make test` each set up all they need (a virtual environment, the locked packages) and then
# do their work. Nothing else is needed than Python 3.11 or newer, make, and a package index.

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
# The lock files are made with the oldest Python that is supported; a newer one works too.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
COMPILE := $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links

BENCH := $(VENV)-bench
# Many tests wait for servers and for processes that were killed: two of them a core keep it busy.
TEST_PROCESSES ?= $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))

.PHONY: help ingest up test lint types check lock clean bench-dedup bench-fetch bench-store bench-topics
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

ingest: $(VENV)/.installed ## run the main job on the sample newsroom; again for its next edition
	@$(BIN)/khotin ingest --sample

up: $(VENV)/.installed ## the same on a schedule: a Prefect server with its UI, a worker; Ctrl-C ends it
	@$(BIN)/khotin up --sample

test: $(VENV)/.installed-dev ## run all tests
	@$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev ## check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev ## check types
	@$(BIN)/mypy

check: lint types test ## all of the above

bench-store: $(BENCH)/.installed ## measure the store against its peers (long; with BENCH_ARGS=--quick 4 minutes)
	@$(BENCH)/bin/python -m tests.benchmarks.store $(BENCH_ARGS)

bench-dedup: $(BENCH)/.installed ## measure de-duplication at growing sizes, against its peers
	@$(BENCH)/bin/python -m tests.benchmarks.dedup_scale $(BENCH_ARGS)

bench-topics: $(BENCH)/.installed ## measure topics and closeness, also on 100,000 documents (some 10 minutes)
	@$(BENCH)/bin/python -m tests.benchmarks.topics $(BENCH_ARGS)

bench-fetch: $(VENV)/.installed-dev $(BENCH)/.installed ## measure the fetcher against httpx and Scrapy (some 3 minutes)
	@$(BIN)/python -m tests.benchmarks.fetch --peer-python $(BENCH)/bin/python $(BENCH_ARGS)

lock: $(VENV)/.installed-dev ## make the lock files anew for the package index in force (takes minutes)
	$(PIP) install pip-tools
	CUSTOM_COMPILE_COMMAND="make lock" $(COMPILE) --upgrade --extra build -o requirements.lock pyproject.toml
	CUSTOM_COMPILE_COMMAND="make lock" $(COMPILE) --upgrade --extra build --extra dev -c requirements.lock \
		-o requirements-dev.lock pyproject.toml
	CUSTOM_COMPILE_COMMAND="make lock" $(COMPILE) --upgrade --extra build --extra dev --extra bench \
		-c requirements-dev.lock -o requirements-bench.lock pyproject.toml

clean: ## remove the virtual environment and caches; the corpus in data/ stays
	rm -rf $(VENV) $(BENCH) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "khotin needs Python 3.11 or newer: install it, or set PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# The lock files name everything, so pip has nothing to resolve: older ones stumble over extras (pip's issue 11924).
$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing the locked packages into $(VENV) (once, takes a minute)"
	@$(PIP) install --no-deps --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "installing the locked development packages into $(VENV) (once)"
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

# The peers of the benchmarks have an environment of their own: nothing of them is needed to run or test khotin.
$(BENCH)/.installed: requirements-bench.lock
	@test -n "$(PYTHON)" || { echo "khotin needs Python 3.11 or newer: install it, or set PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -m venv $(BENCH)
	@echo "installing the locked packages of the benchmarks into $(BENCH) (once, takes minutes)"
	@$(BENCH)/bin/python -m pip --disable-pip-version-check --quiet --quiet install --no-deps --require-hashes -r requirements-bench.lock
	@touch $@
