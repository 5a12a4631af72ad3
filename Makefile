SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock
CLI := cli/pyproject.toml $(shell find cli/gs cli/gitslice_core -name '*.py' 2>/dev/null)

.PHONY: help run test check bench clean lock .venv

help: ## show this list
	@grep -E '^[a-z.]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

run: .venv/.runtime .venv/.cli ## set up and start the whole system in the foreground; Ctrl-C stops it
	@exec $(BIN)/python -m gitslice.ops.run

test: .venv ## run all tests against temporary servers of their own
	$(BIN)/pytest -n 2

.venv: .venv/.dev .venv/.cli ## the virtual environment, with everything for development

.venv/.runtime: requirements.txt requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: GitSlice needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing the server's packages into .venv" >&2
	@$(PIP) -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.runtime
	@echo "installing the packages for tests and checks into .venv" >&2
	@$(PIP) -r requirements-dev.txt
	@touch $@

# The program is linked, not copied, and compiled here: some environments forbid Python to write bytecode later.
.venv/.cli: $(CLI) .venv/.runtime
	@test -x $(BIN)/gs || $(PIP) --no-build-isolation --no-deps --config-settings editable_mode=compat --editable ./cli
	@$(BIN)/python -m compileall -q cli/gs cli/gitslice_core
	@touch $@
