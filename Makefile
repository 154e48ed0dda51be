.DEFAULT_GOAL := help
.PHONY: help demo test test-lavis check format photos bench freeze docker-steps clean

PYTHON ?= python3
PYTHON_LAVIS ?= python3.11
HOST ?= 127.0.0.1
PORT ?= 7860
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
CHROMIUM := /usr/bin/chromium
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)
MODULES := ui evaluation pipelines lposs_core pnp_ovss attribution tiny_vlm
TEST ?= tests
# Two malloc arenas keep a busy server small; threads that sleep while they wait leave the cores to others.
QUIET := MALLOC_ARENA_MAX=2 OMP_WAIT_POLICY=passive

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: .venv/page.stamp ## serve the page (HOST, PORT override)
	$(QUIET) HOST=$(HOST) PORT=$(PORT) $(BIN)/python app.py

test: .venv/test.stamp $(CHROMIUM) ## run every test (TEST=tests/x narrows)
	$(QUIET) $(BIN)/python -m pytest $(TEST)

test-lavis: .venv/test.stamp .venv-lavis/lavis.stamp ## PnP-OVSS: LAVIS and transformers on the same weights
	$(QUIET) LAVIS_PYTHON=.venv-lavis/bin/python $(BIN)/python -m pytest tests/lavis

check: .venv/test.stamp ## linters, types, import rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -f ui/*.pyi  # Gradio leaves them beside its components; stale ones hide the source
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/test.stamp ## mend what the linters can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

photos: .venv/test.stamp ## all photographs and hostile images through a running server
	$(QUIET) $(BIN)/python -m pytest -m "" tests/server tests/attribution/test_through_lposs.py tests/pipelines/test_explained_photographs.py

bench: .venv/test.stamp ## the performance table as ratios, also bench/latest.json
	$(QUIET) $(BIN)/python -m evaluation.bench $(BENCH)

freeze: .venv/test.stamp ## rewrite constraints.txt from .venv
	$(BIN)/python scripts/freeze.py

docker-steps: ## perform the Dockerfile's steps in a scratch folder and ask the page
	$(PYTHON) scripts/docker_steps.py $(if $(VENV),--venv $(VENV))

clean: ## remove the environment and caches
	rm -rf .venv .venv-lavis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

.venv/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, $(PYTHON) is {sys.version.split()[0]}. Name another one: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	touch $@

.venv/page.stamp: .venv/made.stamp requirements.txt constraints.txt
	$(PIP) -r requirements.txt -c constraints.txt
	touch $@

.venv/test.stamp: .venv/page.stamp requirements-test.txt
	$(PIP) -r requirements-test.txt -c constraints.txt
	touch $@

.venv-lavis/lavis.stamp: requirements-lavis.txt
	@$(PYTHON_LAVIS) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "LAVIS needs Python 3.11. Name one: make test-lavis PYTHON_LAVIS=/path/to/python3.11")'
	test -x .venv-lavis/bin/python || $(PYTHON_LAVIS) -m venv .venv-lavis
	.venv-lavis/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-lavis.txt
	touch $@

$(CHROMIUM):
	$(SUDO) apt-get update -qq
	$(SUDO) apt-get install -y -qq --no-install-recommends chromium
