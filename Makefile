# Two commands for a user: `make demo` and `make test`. `make check` is what CI runs.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: setup demo test check bench warm format lint types layers

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
	$(BIN)/pytest -n 2

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

layers: setup
	$(BIN)/lint-imports

check: format lint types layers test
