# The README's two commands are `make demo` and `make test`; each sets up .venv by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where pip finds torch. On Linux the default registry serves the CUDA build (gigabytes); for the CPU build:
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
DEMO_DIR ?= demo
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV ?= uv

.PHONY: demo test test-all test-kernels fuzz coverage check format bench bench-quick pictures docs dist lock clean

demo: $(VENV)/.ready-demo
	$(BIN)/affectmap demo -o $(DEMO_DIR) --overwrite

# Modules are compiled once, not by every process of the tests anew, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

# Neighbours in a folder share packages and fixtures, so each process gets a stretch of the tests, not every other one.
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal

# What takes long or needs a browser, a cluster or a database; `make test-all` runs these tests and `make test` the others.
LONG := slow or browser or cluster or postgres

test: $(VENV)/.ready-dev
	$(PYTEST) -m "not ($(LONG))"

test-all: $(VENV)/.ready-dev
	$(PYTEST) -m "$(LONG)"

# What computes, once more with the kernels that libraries have for the oldest processors: no test may depend on the last
# bits that this machine's kernels give.
OLD_KERNELS := OPENBLAS_CORETYPE=Prescott ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE ONEDNN_MAX_CPU_ISA=SSE41 \
	NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4"
NUMERIC := tests/egemaps tests/losses tests/model tests/stats tests/preparation tests/features tests/track tests/transfer tests/audit \
	tests/whisper
# Tests among them that draw, or read files of every kind and damage, rather than compute.
NOT_NUMERIC := tests/track/test_picture.py tests/model/test_folder.py tests/features/test_cache.py tests/whisper/test_weights.py \
	$(addprefix tests/features/encoders/test_,fetch.py locate.py pack.py weights.py weights_layers.py)

test-kernels: $(VENV)/.ready-dev
	$(OLD_KERNELS) $(PYTEST) -m "not ($(LONG))" $(NUMERIC) $(addprefix --ignore=,$(NOT_NUMERIC))

# Reads damaged files of every kind; FUZZ="--kind flac --seed 3" chooses.
fuzz: $(VENV)/.ready-dev
	PYTHONPATH=tests $(BIN)/python -m fuzz $(FUZZ)

# All of both, with branch coverage.
coverage: $(VENV)/.ready-dev
	$(PYTEST) --cov --cov-report=term --cov-fail-under=90

check: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Measures on this machine and writes benchmarks/results.md; AFFECTMAP_DATA names recordings, BENCH="--only pairwise" some parts.
bench: $(VENV)/.ready-dev
	$(BIN)/python benchmarks/run.py $(BENCH)

bench-quick: $(VENV)/.ready-dev
	$(BIN)/python benchmarks/run.py --quick $(BENCH)

# Draws the pictures of docs and notes what they show; PICTURES="serve.png" chooses.
pictures: $(VENV)/.ready-dev
	$(BIN)/python experiments/pictures/draw.py $(PICTURES)

# Builds the site into site/; a warning, such as of a link that leads nowhere, is an error (with --quiet it would be none).
docs: $(VENV)/.ready-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
	@echo "open site/index.html"

# Builds wheel and sdist, and tries each in a fresh environment.
dist: $(VENV)/.ready-dev
	rm -rf dist build
	$(BIN)/python -m build --no-isolation
	$(BIN)/python .ci/smoke.py dist/*.whl dist/*.tar.gz

# The loops in C are compiled on the way where there is a compiler; without one NumPy takes their place.
# Every package but PyTorch is taken only with the SHA-256 digest that its file had when requirements/ was written.
$(VENV)/.ready-%: pyproject.toml constraints.txt requirements/%.txt setup.py $(wildcard src/affectmap/*/compiled/*.[ch])
	@echo "== setting up $(VENV) for '$*' (once; PyTorch is the largest part)"
	@$(PYTHON) -c 'import sys; sys.exit("affectmap needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --no-deps -r requirements/$*.txt
	$(PIP) -c constraints.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX) --no-deps) torch
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

# Writes requirements/ anew from constraints.txt and pyproject.toml, by uv; PyTorch stays out.
LOCK = $(UV) pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header --no-annotate \
	-c constraints.txt --override requirements/without-torch.in pyproject.toml requirements/torch.in

lock:
	$(LOCK) --extra demo -o requirements/demo.txt
	$(LOCK) --extra dev -o requirements/dev.txt
	$(LOCK) --extra serve --extra annotate-postgresql -o requirements/container.txt

clean:
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis
