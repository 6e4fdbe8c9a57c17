# `make help` lists what can be made.

PYTHON ?= $(shell python3.11 --version > /dev/null 2>&1 && echo python3.11 || echo python3)
PROFILE ?= pocket
WORKERS ?=
FIGURE ?=
TASK ?=
SEEDS ?=
VENV := .venv
BIN := $(VENV)/bin
SHELL := bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE  # each of many processes would compile its imports anew
.PHONY: help env book reproduce test notebooks lint benchmark lock clean python

fail = { echo "error: $(1)" >&2; exit 1; }
# Of what pip says beside its errors, much is about pip itself and none is for the user of this project.
pip = { $(BIN)/pip --disable-pip-version-check $(1) 2>&1 >&3 | sed '/^WARNING:/d; /^\[notice\]/d; /^$$/d' >&2; } 3>&1

help:  ## list the targets
	@echo "make TARGET [PYTHON=python3.12] [PROFILE=smoke|pocket|small|paper] [WORKERS=processes, default all cores]"
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' Makefile

env: $(VENV)/installed  ## the virtual environment .venv, as requirements.lock pins it

book: env  ## run the study and build the HTML book
	@$(BIN)/srnet book --profile $(PROFILE) $(if $(WORKERS),--workers $(WORKERS))

reproduce: env  ## compute the study anew, or FIGURE= TASK= SEEDS= of it, and compare it with what is published
	@$(BIN)/srnet reproduce --profile $(PROFILE) $(addprefix --figure ,$(FIGURE)) $(addprefix --task ,$(TASK)) \
		$(addprefix --seed ,$(SEEDS)) $(if $(WORKERS),--workers $(WORKERS))

test: lint  ## lint, types, tests and notebooks
	$(BIN)/pytest -n 2
	@$(MAKE) --no-print-directory notebooks

notebooks: env  ## execute every notebook in the smoke profile, cell by cell
	$(BIN)/srnet run --profile smoke
	$(BIN)/pytest -n 2 --dist loadfile --nbval-lax notebooks

lint: env  ## style, format, types, and which room imports which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@$(BIN)/lint-imports

benchmark: env  ## measure what the speed is made of, in about five minutes
	@$(BIN)/python benchmarks/speed.py

# With a CPU build of PyTorch, so that no CUDA package is pinned.
lock: TORCH = 2.13.0
lock: python  ## pin every package anew in requirements.lock
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install -q torch==$(TORCH)
	build/lock/bin/pip install -q '.[book,dev]'
	build/lock/bin/pip freeze --exclude srnet | sed 's/+cpu$$//' | LC_ALL=C sort -f -t= -k1,1 > build/lock.txt
	mv build/lock.txt requirements.lock

clean:  ## remove the environment and all that was built; the store of results stays
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# Bytecode is compiled on first import (--no-compile): much of what is installed is never imported.
$(VENV)/installed: requirements.lock pyproject.toml | python
	@echo "Installing $$(wc -l < requirements.lock) packages into $(VENV), a minute or two"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(call pip,install --no-compile -r requirements.lock) \
		| awk '/^(Collecting|Processing) / && ++n % 30 == 0 { print "  " n " packages found" } \
		       /^Building wheels/ { print "  compiling fastText" } \
		       /^Installing collected/ { print "  installing" } { fflush() }'
	@$(call pip,install --quiet --no-deps --editable .)
	@touch $@

python:
	@$(PYTHON) --version > /dev/null 2>&1 || $(call fail,there is no $(PYTHON): install Python 3.11 to 3.13 or name one with PYTHON=...)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		|| $(call fail,$(PYTHON) is $$($(PYTHON) --version); Python 3.11 to 3.13 is needed: name one with PYTHON=...)
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null \
		|| $(call fail,$(PYTHON) has no venv: install it (Debian and Ubuntu: python3-venv))
	@$(PYTHON) -c 'import sysconfig; open(sysconfig.get_path("include") + "/Python.h")' 2> /dev/null \
		|| $(call fail,$(PYTHON) has no C headers: install them (Debian and Ubuntu: python3-dev))
	@for compiler in "$${CXX:-c++}" g++ clang++; do command -v "$$compiler" > /dev/null && exit 0; done; \
		$(call fail,there is no C++ compiler: install one (Debian and Ubuntu: g++))
