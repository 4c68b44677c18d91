# make check, make test, make test-all, make book, make lab, make bench and make mutants need nothing before them: each sets up what it lacks first.
# An interrupted setup or book goes on where it stopped when it is run again.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help setup check test test-all book lab bench mutants clean

PYTHON ?= python3
PRESET ?= smoke
VENV := .venv
READY := $(VENV)/.ready
UNFINISHED := $(VENV)/.unfinished
RUN := $(VENV)/bin/python

# glibc hands arrays of more than 32 MB back to the system at once, and getting them again costs a batch of frames a
# fifth of its time: keep them.
export MALLOC_MMAP_THRESHOLD_ := 4294967296
export MALLOC_TRIM_THRESHOLD_ := 4294967296

help:
	@cat <<'TEXT'
	make check   look at format, imports, types and dependencies, and build the wheel and use it
	make test    run the tests that take seconds each, and the first chapters as a reader would
	make test-all  run the slow ones as well, as CI does
	make book    execute every chapter and build the book into _build/html
	make lab     open JupyterLab on the chapters
	make bench   measure speed against the frame-by-frame evaluation
	make mutants break the equations, the losses and the training step on purpose, and say what no test notices
	make setup   only make the environment (the others do it by themselves)
	make clean   remove what make book made
	TEXT

setup: $(READY)

# A package whose files were cut off half-way still counts as installed: forget it, so that pip installs it again.
define FORGET_CUT_OFF
import shutil, sysconfig
from importlib.metadata import Distribution
from pathlib import Path
for folder in Path(sysconfig.get_path("purelib")).glob("*.dist-info"):
    files = Distribution.at(folder).files
    if files is None or not all(file.locate().exists() for file in files):
        print("   again:", folder.name.removesuffix(".dist-info"))
        shutil.rmtree(folder)
endef
export FORGET_CUT_OFF

$(READY): pyproject.toml book/pyproject.toml constraints.txt apt-packages.txt
	@if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
	  echo "The book needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1 || true). Name another, for instance: make setup PYTHON=python3.12"
	  exit 1
	fi
	wanted=$$(grep -v '^#' apt-packages.txt | tr '\n' ' ')
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || wanted="python3-venv $$wanted"
	missing=$$(for package in $$wanted; do
	  dpkg-query -W -f='$${Status}' "$$package" 2>/dev/null | grep -q 'ok installed' || command -v "$$package" >/dev/null || echo "$$package"
	done | tr '\n' ' ')
	if [ -z "$$missing" ]; then
	  :
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	  echo "== Installing system packages: $$missing"
	  export DEBIAN_FRONTEND=noninteractive
	  apt-get update -q || true
	  apt-get install -q -y --no-install-recommends $$missing || for package in $$missing; do
	    apt-get install -q -y --no-install-recommends "$$package" || echo "== $$package cannot be installed; going on without it."
	  done
	else
	  echo "== Going on without these system packages, which drawing actors, reading faces and checking the built pages need; as root, apt-get installs them: $$missing"
	fi
	if ! $(RUN) -m pip --version >/dev/null 2>&1; then
	  echo "== Making the environment $(VENV) with $$($(PYTHON) --version)"
	  $(PYTHON) -m venv --clear $(VENV) || { echo "Python's venv module is missing: on Debian, install the package python3-venv."; exit 1; }
	elif [ -e $(UNFINISHED) ]; then
	  echo "== The last installation was interrupted: looking for packages that were cut off"
	  $(RUN) -c "$$FORGET_CUT_OFF"
	fi
	touch $(UNFINISHED)
	echo "== Installing Python packages (about 4 GB; what has been downloaded once is not downloaded again)"
	$(RUN) -m pip install --disable-pip-version-check --prefer-binary -c constraints.txt -e '.[actors,faces,chapters,onnx,book,dev]' -e book
	$(RUN) -c 'from i2vlib.faces import models; models.fetch_models()' || echo "== Going on without what reads expressions: it is fetched when a face is first read."
	rm $(UNFINISHED)
	touch $(READY)
	echo "== The environment is ready"

check: $(READY)
	@echo "== Format, rules, and which room imports which"
	$(VENV)/bin/ruff format --check --quiet .
	$(VENV)/bin/ruff check --quiet .
	$(VENV)/bin/lint-imports --no-logo 2>/dev/null || $(VENV)/bin/lint-imports
	echo "== What an editor sees of the public API"
	$(RUN) -m mypy
	echo "== What is declared is what is imported"
	$(RUN) -m deptry . 2>/dev/null || $(RUN) -m deptry .
	echo "== The wheel, and the README's lines from it"
	rm -rf build; wheel=$$(mktemp -d)
	trap 'rm -rf "$$wheel" build' EXIT
	$(RUN) -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$$wheel" .
	$(RUN) tests/wheel.py "$$wheel"

# Two processes, a file of tests in one of them, and each holds torch to one thread: together they fill two cores.
PYTEST = OMP_NUM_THREADS=1 $(RUN) -m pytest -n 2 --dist loadfile

test: $(READY)
	@echo "== Running the tests, and the first chapters as a reader would"
	$(PYTEST) -m "not slow" --nbval-lax --nbval-current-env tests $(wildcard notebooks/quickstart.ipynb notebooks/clips.ipynb)

test-all: $(READY)
	@echo "== Running all tests, the slow ones too, and the first chapters as a reader would"
	$(PYTEST) --nbval-lax --nbval-current-env tests $(wildcard notebooks/quickstart.ipynb notebooks/clips.ipynb)
	if [ -e _build/html/index.html ]; then
	  echo "== Checking what is slow to check of the built pages"
	  I2V_BUILT_BOOK=1 $(RUN) -m pytest -m slow tests/pages
	fi

book: $(READY)
	@$(RUN) book/build.py --preset $(PRESET)

lab: $(READY)
	@$(RUN) -m jupyter lab notebooks $(if $(filter 0,$(shell id -u)),--allow-root)

bench: $(READY)
	@$(RUN) -m pytest -o addopts= --benchmark-only -s tests/benchmarks

mutants: $(READY)
	@$(RUN) tests/mutants.py

clean:
	@rm -rf _build
