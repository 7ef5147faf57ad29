# Two commands for a user: `make demo` and `make test`. `make check` is what CI runs.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PEER := .venv-ccxt

.PHONY: setup demo test check bench warm format lint types page-types layers

setup: $(READY)

$(READY): pyproject.toml
	@echo "setting up .venv"
	@if command -v uv >/dev/null 2>&1; then \
		uv sync --quiet --compile-bytecode; \
	else \
		$(PYTHON) -m venv .venv && \
		$(BIN)/python -m pip install --quiet --upgrade pip && \
		$(BIN)/python -m pip install --quiet --editable . --group dev; \
	fi
	@$(BIN)/aggressor warm
	@touch $(READY)

# A second opinion for tests. It pins libraries that we use too, so it has an environment of its own.
$(PEER)/.ready: $(READY)
	@echo "setting up $(PEER)"
	@{ if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --clear --python $(BIN)/python $(PEER) && \
		uv pip install --quiet --python $(PEER)/bin/python ccxt==4.5.90; \
	else \
		$(BIN)/python -m venv --clear $(PEER) && $(PEER)/bin/python -m pip install --quiet ccxt==4.5.90; \
	fi && touch $@; } || echo "no ccxt could be had: what is compared with it is skipped"

demo: setup
	$(BIN)/aggressor demo

test: setup $(PEER)/.ready
	@command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || \
		echo "no chromium here: the tests of the desk's page are skipped (apt-get install chromium)"
	$(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal

warm: setup
	$(BIN)/aggressor warm

bench: setup
	sh bench/run.sh

format: setup
	$(BIN)/ruff format --check src tests bench examples

lint: setup
	$(BIN)/ruff check src tests bench examples

types: setup
	$(BIN)/pyright

# The desk's modules are plain JavaScript with types in comments; only checking them needs node.
page-types:
	@if command -v npm >/dev/null 2>&1; then \
		npm --prefix tests/web ci --silent --no-audit --no-fund && npm --prefix tests/web run --silent types; \
	else \
		echo "no npm here: the types of the desk's page are not checked"; \
	fi

layers: setup
	$(BIN)/lint-imports

check: format lint types page-types layers test
