SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
CLI := cli/pyproject.toml $(shell find cli/gs cli/gitslice_core -name '*.py' 2>/dev/null)

.PHONY: help run test races soak merges check bench overload clean lock .venv

help: ## show this list
	@grep -E '^[a-z.]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

run: .venv/.runtime .venv/.cli ## set up and start the whole system in the foreground; Ctrl-C stops it
	@exec $(BIN)/python -m gitslice.ops.run

test: .venv ## run all tests against temporary servers of their own
	$(BIN)/pytest -n 2

races: .venv ## the tests with long races, many faults, new generated cases: for an hour before a release
	GITSLICE_TEST_CASES=many GITSLICE_RACE_ROUNDS=$${GITSLICE_RACE_ROUNDS:-300} GITSLICE_FAULT_ROUNDS=$${GITSLICE_FAULT_ROUNDS:-20} \
		$(BIN)/pytest -n 2

soak: .venv ## a whole system under mixed traffic and random kills, then everything is compared (SOAK_SECONDS, SOAK_CLIENTS, SOAK_SEED)
	@$(BIN)/python -m bench.soak

merges: .venv ## our three-way merge against git's, on files of real projects from the package registry
	@$(BIN)/python -m bench.merges

.venv: .venv/.dev .venv/.cli ## the virtual environment, with everything for development

.venv/.runtime: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: GitSlice needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || { $(PYTHON) -m venv .venv && $(PIP) --require-hashes -r requirements-pip.lock; }
	@echo "installing the server's packages into .venv" >&2
	@$(PIP) --require-hashes -r requirements.lock
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.runtime
	@echo "installing the packages for tests and checks into .venv" >&2
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

# The program is linked, not copied, and compiled here: some environments forbid Python to write bytecode later.
.venv/.cli: $(CLI) .venv/.runtime
	@test -x $(BIN)/gs || PYTHONWARNINGS=ignore $(PIP) --no-build-isolation --no-deps --config-settings editable_mode=compat --editable ./cli
	@$(BIN)/python -m compileall -q cli/gs cli/gitslice_core
	@touch $@

check: lint types contracts migrations openapi configuration deployment test ## everything that CI runs

.PHONY: lint types contracts migrations openapi openapi.update configuration configuration.update deployment
lint: .venv ## format and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv ## static types
	$(BIN)/mypy accounts changesets conflicts gitslice slices cli/gs cli/gitslice_core

contracts: .venv ## which part may import which
	$(BIN)/lint-imports

migrations: .venv ## models and migrations agree, and new ones hold nobody up
	@$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m tests.upgrade.lint

openapi: .venv ## docs/openapi.yaml is what the server says
	@$(BIN)/python manage.py spectacular --validate --fail-on-warn | diff docs/openapi.yaml - \
		|| { echo "error: docs/openapi.yaml is out of date: run 'make openapi.update'" >&2; exit 1; }

openapi.update: .venv ## write docs/openapi.yaml
	@$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

configuration: .venv ## docs/configuration.md tells of every setting
	@$(BIN)/python -m gitslice.configuration docs/configuration.md --check

configuration.update: .venv ## write the tables of docs/configuration.md
	@$(BIN)/python -m gitslice.configuration docs/configuration.md

deployment: .venv ## compose file, Dockerfile, Kubernetes manifests, CI workflow
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/hadolint Dockerfile
	$(BIN)/kubernetes-validate --strict --quiet $(filter-out %/kustomization.yaml,$(wildcard deploy/kubernetes/*.yaml))
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml
	$(BIN)/zizmor --offline --quiet --no-progress .github/workflows

.PHONY: units image.rehearsal partition pooling sbom audit
units: ## units of systemd, and how much they are exposed (needs systemd)
	@deploy/check-systemd

image.rehearsal: .venv ## build the image's steps in a bare Debian and run all parts in it (needs root and debootstrap)
	@$(BIN)/python deploy/rehearse

partition: .venv ## machines cut off and killed under load, in network namespaces (needs root and ip)
	@$(BIN)/python -m bench.partition

pooling: .venv ## the tests of the API and of landing through PgBouncer (needs Debian's pgbouncer)
	@$(BIN)/python -m bench.pooling

sbom: .venv ## build/sbom.cdx.json: all that the server consists of, with licences (CycloneDX)
	@$(BIN)/python deploy/sbom

audit: .venv ## known vulnerabilities of what is locked (asks the package registry)
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock --requirement requirements-dev.lock \
		|| { echo "error: something is vulnerable, or the service that knows could not be asked: nothing is proven" >&2; exit 1; }

bench: .venv ## measure against git on this machine
	@$(BIN)/python -m bench.run

overload: .venv ## measure at once and at ten times the load that this machine can take, into docs/reliability.md
	@$(BIN)/python -m bench.overload

# For Python 3.11 and everything newer, on any system: what only some need has a marker. $(LOCK) takes what is locked
# already where it still fits; `make lock UPGRADE=--upgrade` takes the newest.
LOCK = build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(UPGRADE) \
	--annotation-style line --custom-compile-command 'make lock'
lock: ## resolve what the requirements allow, with digests, into requirements.lock and requirements-dev.lock
	@rm -rf build/lock && $(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet uv==0.13.8
	@$(LOCK) requirements.txt --output-file requirements.lock
	@$(LOCK) requirements-dev.txt --constraint requirements.lock --output-file requirements-dev.lock
	@echo 'pip==26.3 # the pip of older Pythons writes programs that start 6 ms later' | $(LOCK) - --output-file requirements-pip.lock
	@rm -rf build/lock

clean: ## remove the virtual environment, the data folder and everything generated
	@if test -L .data/servers; then rm -rf "$$(readlink .data/servers)"; fi
	@rm -rf .venv .data build cli/build cli/*.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
