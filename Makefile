# What a newcomer types: `make jazz`. All else: `make help`.
# Needs make and Python 3.11, 3.12 or 3.13; everything else goes into the folder .venv.

VENV    := .venv
BIN     := $(VENV)/bin
REPORTS := .reports
CHORDS  := Dm7 | G7 | Cmaj7 | % | Cm7 | F7 | Bbmaj7 | %

# Looked for in this order; another one: make jazz PYTHON=/path/to/python3.12
PYTHON ?=
CANDIDATES := $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python)

# Stamps: each says that a step has been done, so that the next run skips it.
MADE      := $(VENV)/.made
INSTALLED := $(VENV)/.installed
TESTABLE  := $(VENV)/.testable

.PHONY: help jazz test test-all data-check format clean
.DEFAULT_GOAL := help

help:
	@echo "make jazz        train a jazz network for a minute and a half, then write three clips into clips/"
	@echo "make test        linter, type check and tests: about five minutes after the install"
	@echo "make test-all    the slow tests that make test leaves out: 30 minutes at most"
	@echo "make data-check  look over the tunes in data/jazz"
	@echo "make format      put the code into the form that make test asks for"
	@echo "make clean       remove the environment and caches; your models and clips stay"
	@echo "The first run makes $(VENV) and installs into it. PYTHON=... names the Python to use."

jazz: $(INSTALLED)
	$(BIN)/musicgen train data/jazz --out models/my-jazz --minutes 1.5 --seed 1 --force
	$(BIN)/musicgen generate models/my-jazz --chords "$(CHORDS)" --bars 8 -n 3 --seed 1 --picture --out clips/ --force

test: $(TESTABLE)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "not slow" --junit-xml=$(REPORTS)/test.xml

# pytest's status 5 means that no test is marked slow.
test-all: $(TESTABLE)
	$(BIN)/python -m pytest -m slow --junit-xml=$(REPORTS)/test-all.xml || test $$? -eq 5

data-check: $(INSTALLED)
	$(BIN)/python data/jazz/check.py

format: $(TESTABLE)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(REPORTS) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +


# Scripts in an environment hold full paths, so a moved checkout, or a Python that is gone, needs a new one.
ifneq ($(shell test -x $(BIN)/python && cat $(MADE) 2>/dev/null),$(CURDIR))
.PHONY: $(MADE)
endif

SUITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

$(MADE):
	@found=; \
	for python in $(CANDIDATES); do \
	  version=$$("$$python" --version 2>&1) || continue; \
	  seen="$$version as $$python"; \
	  if ! "$$python" -c "$(SUITS)" 2>/dev/null; then :; \
	  elif ! "$$python" -c "import ensurepip, venv" 2>/dev/null; then \
	    seen="$$seen without its venv module (Debian and Ubuntu: apt install python3-venv)"; \
	  else \
	    echo "Making the environment $(VENV) with $$seen."; \
	    "$$python" -m venv --clear $(VENV) && pwd -P > $@; exit; \
	  fi; \
	  found="$${found:+$$found, }$$seen"; \
	done; \
	echo "musicgen needs Python 3.11, 3.12 or 3.13 but found $${found:-none of $(CANDIDATES)};" \
	  "install one, or name it as in: make PYTHON=/path/to/python3.12 jazz" >&2; \
	exit 1

$(INSTALLED): $(MADE) requirements.txt pyproject.toml
	@echo "Installing TensorFlow, Keras and the rest into $(VENV): 2.5 GB, two to five minutes, once."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -e .
	@touch $@

$(TESTABLE): $(INSTALLED) requirements-test.txt
	@echo "Installing what the tests need into $(VENV): half a minute, once."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	@touch $@
