# Every target sets itself up: it needs Python 3.11 or newer, make, and a package index.
#   make demo       the whole chain on real data, leaves report.html
#   make test       the suite (under 12 minutes on 2 cores)      make test-all    with the slow simulations
#   make lint       ruff and mypy                                make docs        the documentation
#   make bench      speed and accuracy beside peers              make test-oldest the oldest dependencies
#   make test-deep  what computes with torch (from nothing, 2 minutes of one processor)

PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Each worker computes with one thread: two that wait for each other's processor take half as long again.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
PYTEST := $(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder -q

.PHONY: demo test test-all test-oldest test-deep lint docs bench clean

demo: $(VENV)/.core
	$(BIN)/causalkit demo --report report.html

test: $(VENV)/.test
	$(PYTEST) -m "not slow and not deep"

test-all: $(VENV)/.bench
	HYPOTHESIS_PROFILE=drawn $(PYTEST)

# Here, whether or not torch is there already for `make test`; without it they would be skipped.
test-deep: $(VENV)/.deep
	$(BIN)/python -c "import torch"
	$(BIN)/python -m pytest -q -m "deep and not slow" $$(grep -rl --include="*.py" "mark\.deep" tests)

test-oldest:
	$(PYTHON) -m venv .venv-oldest
	$(PYTHON) tools/oldest_dependencies.py > .venv-oldest/oldest.txt
	$(PYTHON) tools/oldest_dependencies.py --tests > .venv-oldest/tests.txt
	.venv-oldest/bin/python -m pip install --quiet --constraint .venv-oldest/oldest.txt --editable . \
		--requirement .venv-oldest/tests.txt
	.venv-oldest/bin/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder -q -m "not slow" -W ignore::DeprecationWarning

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .venv-oldest build dist docs/_build docs/reference/generated .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "causalkit needs Python 3.11 or newer; set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml $(VENV)/bin/python
	@echo "Installing causalkit (a few minutes the first time) ..."
	$(PIP) --editable .
	touch $@

# The environments nest: each adds an extra to the one before it.
$(VENV)/.test: $(VENV)/.core
	$(PIP) --editable ".[test]"
	touch $@

$(VENV)/.docs: $(VENV)/.test
	$(PIP) --editable ".[docs]"
	touch $@

$(VENV)/.bench: $(VENV)/.test
	$(PIP) --editable ".[bench]"
	touch $@

# A release of torch that has no builds for other devices to bring along.
$(VENV)/.deep: $(VENV)/.test
	$(PIP) torch==2.13.0
	$(PIP) --editable ".[test,deep]"
	touch $@
