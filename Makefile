# `make demo` and `make test` work from a fresh clone; the second call of either installs nothing.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test faults fuzz lint format bench readme clean

demo: $(READY)
	$(BIN)/captcha-agent demo

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 -m "not e2e and not install"
	$(BIN)/pytest -m "e2e or install"

# What goes wrong x when: all cells in a real browser, printed as a table (`make test` runs some).
faults: $(READY)
	FAULTS="$${FAULTS:-.}" $(BIN)/pytest tests/faults

lint: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/mypy

# PHOTOS=FOLDER adds labelled photographs (tests/benchmarks/photos.py says in what form),
# CLIP_PYTHON=PATH names a Python that has open_clip to compare with.
CLIP_PYTHON ?= $(BIN)/python
bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fixtures]'
	$(BIN)/captcha-agent demo -n 100 --policy default --report captcha-report/bench
	$(BIN)/python -m tests.benchmarks.grids
	$(BIN)/python -m tests.benchmarks.drawings
	$(BIN)/python -m tests.benchmarks.prompts $(PHOTOS)
	$(if $(PHOTOS),$(BIN)/python -m tests.benchmarks.photos $(PHOTOS))
	$(BIN)/python -m tests.benchmarks.cold_start --python $(CLIP_PYTHON)
	@if $(CLIP_PYTHON) -c "import open_clip" 2>/dev/null; then \
	  $(CLIP_PYTHON) -m tests.benchmarks.lite; fi

readme: $(READY)
	$(BIN)/python -m tests.readme

# FUZZ="policy card --seconds 600" names what and how long.
fuzz: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzz $(FUZZ)

$(READY): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; \
	  echo "Python's venv module is missing: on Debian and Ubuntu, apt-get install python3-venv"; exit 4; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -m agent.browser_setup
	@touch $@

clean:
	rm -rf .venv captcha-report .pytest_cache .mypy_cache .ruff_cache
