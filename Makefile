# Everything here needs Python 3.11 or later and make.  The first run of a target creates .venv and installs what the
# target needs; after that no network is used until pyproject.toml changes.

PYTHON ?= python3
TEST_JOBS ?= 2
# The PyTorch that the tests of the extra "torch" run with.  For the build without CUDA, set PIP_EXTRA_INDEX_URL to
# https://download.pytorch.org/whl/cpu.
TORCH ?= torch==2.13.0

VENV := .venv
PEERS := .venv-peers
PY := $(VENV)/bin/python
PIP_INSTALL = $(PY) -m pip install --quiet --disable-pip-version-check

# The stamps live in the environment, so that removing it removes them too.
RUN := $(VENV)/.stamp-run
DEV := $(VENV)/.stamp-dev
SLOW := $(VENV)/.stamp-slow
DOCS := $(VENV)/.stamp-docs

.PHONY: help demo test test-all lint checked bench bench-peers bench-history docs sdist-check clean
.NOTPARALLEL:

help:
	@echo "make demo          simulate sparse MobileNet on Eyeriss v2 and show the result"
	@echo "make test          lint, types and the quick tests"
	@echo "make test-all      lint, types and all tests, once more for the kernels without compilation"
	@echo "make lint          ruff and mypy"
	@echo "make bench         the speed benchmarks (WRITE=--write records them in benchmarks/)"
	@echo "make bench-peers   the same layers in SCALE-Sim, ZigZag and nn_dataflow, which are installed into $(PEERS)"
	@echo "make bench-history speed against the last release, or against AGAINST=REVISION; fails where it fell by 20%"
	@echo "make docs          the documentation, into docs/_build/html"
	@echo "make sdist-check   build the source distribution, unpack it and run some of its tests"
	@echo "make clean         remove what the other targets leave behind, except $(VENV) and $(PEERS)"

demo: $(RUN)
	@mkdir -p build
	$(VENV)/bin/accelerator-sim simulate mobilenet_v1_0.5_128_sparse --format table --report build/demo.html
	@echo "open build/demo.html in a browser for the same with charts"

lint: $(DEV)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

# Kernels are compiled once, before two processes would each compile them, and beside ruff and mypy.
checked: $(DEV)
	$(PY) -m accelerator_sim warmup & warmup=$$!; $(MAKE) lint; status=$$?; wait $$warmup && exit $$status

test: checked
	$(PY) -m pytest -m "not slow" -n $(TEST_JOBS) --durations=15

test-all: $(SLOW) checked
	$(PY) -m pytest -n $(TEST_JOBS) --durations=15
	if [ -d tests/kernels ]; then NUMBA_DISABLE_JIT=1 $(PY) -m pytest tests/kernels; fi

bench: $(RUN)
	$(PY) -m benchmarks.run $(WRITE)

# It makes an environment for each of the other programs when it is missing.
bench-peers: $(RUN)
	$(PY) -m benchmarks.peers $(WRITE)

bench-history: $(RUN)
	$(PY) -m benchmarks.history $(if $(AGAINST),--against $(AGAINST))

# Pages of the API and of the commands are made from the code, so all pages are read again (-E).
docs: $(DOCS)
	$(PY) -m sphinx -E -W --keep-going -b html docs docs/_build/html

sdist-check: $(SLOW)
	$(PY) -m pytest tests/docs/test_sdist.py

clean:
	rm -rf build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . \( -path ./$(VENV) -o -path ./$(PEERS) \) -prune -o -name __pycache__ -type d -exec rm -rf {} +

$(PY):
	@command -v $(PYTHON) >/dev/null || { \
	  echo "error: '$(PYTHON)' was not found; install Python 3.11 or later, or name one: make PYTHON=/path/to/python3" >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: $$($(PYTHON) --version 2>&1) is too old; Python 3.11 or later is needed." >&2; \
	  echo "       Name one that is: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo "error: $(PYTHON) cannot create virtual environments; on Debian or Ubuntu: apt install python3-venv" >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# An installation with an extra holds the plain one too.
$(RUN): pyproject.toml | $(PY)
	@echo "installing into $(VENV), once; this takes about a minute"
	$(PIP_INSTALL) -e ".[onnx]"
	@touch $@

$(DEV): pyproject.toml | $(PY)
	@echo "installing into $(VENV), with what the tests need, once; this takes a minute or two"
	$(PIP_INSTALL) -e ".[onnx,dev]"
	@touch $(RUN) $@

$(SLOW): pyproject.toml | $(PY)
	$(PIP_INSTALL) -e ".[onnx,dev,slow,cluster,search,parquet,torch]" $(TORCH)
	@touch $(RUN) $(DEV) $@

$(DOCS): pyproject.toml | $(PY)
	$(PIP_INSTALL) -e ".[docs]"
	@touch $(RUN) $@
