# make demo: train two small bridges and write a report of each.
# make check and make test are what .ci/run runs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# apart, because pydoclint's docstring parser overwrites the one that reads the commands' help
PYDOCLINT := $(VENV)/pydoclint/bin/flake8
# apart, because only the benchmarks need it
BENCH := $(VENV)/.bench

.PHONY: install demo test test-avx2 test-sse41 test-slow check tree settings break docs bench clean

install: $(INSTALLED)

demo: STAMP := $(shell date +%Y%m%d-%H%M%S)
demo: $(INSTALLED)
	$(BIN)/alpha-bridge train digits --out runs/demo-$(STAMP)/digits
	$(BIN)/alpha-bridge train gaussians25 --steps 3000 --out runs/demo-$(STAMP)/gaussians25
	@printf '\nOpen these in a browser:\n'
	@ls runs/demo-$(STAMP)/*/report.html

test: $(INSTALLED)
	$(BIN)/python -m pytest -q

# the arithmetic and memory layouts of processors without AVX-512, all of it, and of those without
# AVX, where they decide; a processor that has no AVX-512 has been tested at AVX2 by make test
test-avx2: export ATEN_CPU_CAPABILITY = avx2
test-avx2: export ONEDNN_MAX_CPU_ISA = AVX2
test-avx2: $(INSTALLED)
	if ! test -e /proc/cpuinfo || grep -q avx512 /proc/cpuinfo; then $(BIN)/python -m pytest -q; fi

test-sse41: export ATEN_CPU_CAPABILITY = default
test-sse41: export ONEDNN_MAX_CPU_ISA = SSE41
test-sse41: $(INSTALLED)
	$(BIN)/python -m pytest -q tests/inference tests/metrics tests/networks tests/objective tests/training

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -q -m slow

bench: $(BENCH)
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/growth.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/scaling.py

# kills, damaged files, full disks, second processes, links and escapes, all of them
break: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.breaking

docs: $(INSTALLED)
	$(BIN)/sphinx-build -W -q docs docs/_build

check: $(INSTALLED) $(PYDOCLINT)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYDOCLINT) src
	$(BIN)/python docs/tree.py --check
	$(BIN)/python docs/settings.py --check

# the tree of modules in CONTRIBUTING.md
tree: $(INSTALLED)
	$(BIN)/python docs/tree.py

# the page of settings, from their declarations
settings: $(INSTALLED)
	$(BIN)/python docs/settings.py

clean:
	rm -rf $(VENV) build dist docs/_build docs/jupyter_execute .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests experiments -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "alpha_bridge needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
			"Name another with: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# torch comes first: left to the others' requirements, pip would take its newest release
$(INSTALLED): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[dev,docs]"
	touch $@

$(BENCH): $(INSTALLED)
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[bench]"
	touch $@

$(PYDOCLINT): constraints.txt | $(BIN)/python
	$(BIN)/python -m venv $(VENV)/pydoclint
	$(VENV)/pydoclint/bin/python -m pip install -q -c constraints.txt flake8 pydoclint
	touch $@
