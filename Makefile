# Two commands for a user: `make demo` and `make test`. `make check` is what CI runs.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

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

demo: setup
	$(BIN)/aggressor demo

test: setup
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
