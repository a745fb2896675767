# make demo: train two small bridges and write a report of each.
# make check and make test are what .ci/run runs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# apart, because pydoclint's docstring parser overwrites the one that reads the commands' help
PYDOCLINT := $(VENV)/pydoclint/bin/flake8
# apart, because its requirements are nobody else's
PIP_AUDIT := $(VENV)/pip-audit/bin/pip-audit
# apart, because only the benchmarks need it
BENCH := $(VENV)/.bench

# what dozens of processes import is compiled once, whatever the shell says; make clean removes it
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install demo test test-browser test-avx2 test-sse41 test-slow test-slow-runs test-slow-data check audit tree settings break docs bench clean

install: $(INSTALLED)

# for few updates: higher rates than those of the preset, which fall to zero
RING := --steps 2500 --path.ml 0.1 --path.transfer 0.3 --path.adversarial 0.6 \
	--optimization.generator 3e-3 --optimization.encoder 3e-3 --optimization.discriminator 3e-3 \
	--optimization.beta1 0.1 --optimization.beta2 0.9 --optimization.schedule cosine \
	--regularizer.weight 1

# side by side, one thread each, so that neither waits for the other
demo: export OMP_NUM_THREADS = 1
demo: RUNS := runs/demo-$(shell date +%Y%m%d-%H%M%S)
demo: $(INSTALLED)
	@echo 'Training two small models side by side: handwritten digits, and eight Gaussians on a ring.'
	@echo 'It takes about a minute on two idle cores. What the second prints is in $(RUNS)/ring8.txt.'
	@mkdir -p $(RUNS)
	@$(BIN)/alpha-bridge train ring8 $(RING) --out $(RUNS)/ring8 > $(RUNS)/ring8.txt 2>&1 & \
	$(BIN)/alpha-bridge train digits --steps 1000 --out $(RUNS)/digits; digits=$$?; \
	wait $$! || { cat $(RUNS)/ring8.txt >&2; exit 1; }; exit $$digits
	@printf '\nOpen these in a browser:\n'
	@ls $(RUNS)/*/report.html

test: $(INSTALLED)
	$(BIN)/python -m pytest -q

# What a processor's instruction set can decide: convolutions, layouts and the order of sums. A
# processor that has no AVX-512 has been tested at AVX2 by make test.
KERNELS := tests/networks tests/objective tests/metrics/test_image_quality.py \
	tests/training/test_passes.py tests/training/test_update.py

test-avx2: export ATEN_CPU_CAPABILITY = avx2
test-avx2: export ONEDNN_MAX_CPU_ISA = AVX2
test-avx2: $(INSTALLED)
	if ! test -e /proc/cpuinfo || grep -q avx512 /proc/cpuinfo; then \
		$(BIN)/python -m pytest -q $(KERNELS); fi

# CI leaves this one out, as no machine of today's has so little
test-sse41: export ATEN_CPU_CAPABILITY = default
test-sse41: export ONEDNN_MAX_CPU_ISA = SSE41
test-sse41: $(INSTALLED)
	$(BIN)/python -m pytest -q $(KERNELS)

# in two parts, so that two cores have equal shares of them and of all other targets
APART := tests/vae tests/sharing tests/data
test-slow: test-slow-runs test-slow-data

test-slow-runs: $(INSTALLED)
	$(BIN)/python -m pytest -q -m slow $(addprefix --ignore=,$(APART))

test-slow-data: $(INSTALLED)
	$(BIN)/python -m pytest -q -m slow $(APART)

# the studio in a real browser; its pictures lie in pytest's temporary folder
test-browser: $(INSTALLED)
	@command -v chromium > /dev/null || \
		if test "$$(id -u)" = 0 && command -v apt-get > /dev/null; then \
			apt-get update -q && apt-get install -y -q chromium; \
		else \
			echo "make test-browser needs Chromium: apt-get install chromium" >&2; exit 1; \
		fi
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m browser tests/browser

# BASE=/else/.venv/bin/python measures whole commands beside those of that environment's build
bench: $(BENCH)
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/autoencoders.py
	$(BIN)/python benchmarks/growth.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/scaling.py
	$(if $(BASE),$(BIN)/python benchmarks/builds.py --base $(BASE) --profile)
	$(if $(BASE),$(BIN)/python benchmarks/quality.py --base $(BASE))

# kills, damaged files, full disks, second processes, links and escapes, all of them
break: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.breaking

# and nothing in the pages is fetched where they are read
docs: $(INSTALLED)
	$(BIN)/sphinx-build -W -q docs docs/_build
	@! grep -rE '<(script|link|img|iframe)[^>]* (src|href)="(https?:)?//' docs/_build --include='*.html'

check: $(INSTALLED) $(PYDOCLINT) audit
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYDOCLINT) src
	$(BIN)/python docs/tree.py --check
	$(BIN)/python docs/settings.py --check

# licences of what is installed, and its known weaknesses where an index has advisories
audit: $(INSTALLED) $(PIP_AUDIT)
	$(BIN)/python .ci/audit.py $(PIP_AUDIT)

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

$(PIP_AUDIT): constraints.txt | $(BIN)/python
	$(BIN)/python -m venv $(VENV)/pip-audit
	$(VENV)/pip-audit/bin/python -m pip install -q -c constraints.txt pip-audit
	touch $@
