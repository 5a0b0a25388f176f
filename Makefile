# One meaning each: app, test, check, fast. Each makes the environment that it needs by itself.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# A machine that is lent for minutes may have its packages already, and no network.
GPU_PYTHON ?= $(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON))

# Exactly the pinned packages. Bytecode is written when a module is first imported: only what is used.
INSTALL = $(BIN)/pip install --quiet --no-compile --requirement requirements.txt --editable
PYTEST = $(BIN)/python -m pytest
# Many images set this. Each process of a test or a run would then compile torch anew, for 6 seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: app test fast setup check audit faults gpu sample clean

app: $(VENV)/.installed          ## install and open the app
	$(BIN)/streamlit run app/serve.py $(if $(PORT),--server.port=$(PORT))

test: setup check fast           ## install, lint, and run every test
	$(PYTEST) -m "(slow or browser) and not alone and not gpu" -n 2 --dist loadfile
	$(PYTEST) -m alone

fast: $(VENV)/.installed-test    ## the quick tests alone
	$(PYTEST) -m "not slow and not browser and not gpu" -n 2 --dist worksteal

setup: $(VENV)/.installed-test   ## install, and report which programs the tests miss
	$(BIN)/python -m scripts.prepare_tests $(if $(CI),--strict)

check: $(VENV)/.installed-test   ## lint, types and security
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml app finegates

audit: $(VENV)/.installed-test   ## known holes of what is installed; asks an advisory service
	$(BIN)/pip install --quiet 'pip-audit>=2.9,<3'
	@$(BIN)/pip-audit --requirement requirements.txt --no-deps --disable-pip || { \
	  echo "A hole was found, or the advisory service can't be reached."; exit 1; }

faults: $(VENV)/.installed-test   ## every fault many times: nothing may be lost
	$(BIN)/python -m tests.faults.long

gpu:                             ## all that a GPU can show, in eight minutes (docs/gpu.md)
	$(GPU_PYTHON) -m benchmarks.gpu $(GPU_ARGS)

sample: $(VENV)/.installed       ## write the bundled sample again
	$(BIN)/python -m scripts.make_sample

$(VENV)/.installed: requirements.txt pyproject.toml
	$(make_environment)
	$(INSTALL) .
	@touch $@

$(VENV)/.installed-test: requirements.txt pyproject.toml
	$(make_environment)
	$(INSTALL) '.[test]'
	@touch $@ $(VENV)/.installed

define make_environment
@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.version_info >= (3, 11) or \
  sys.exit(f"FineGates needs Python 3.11 or newer; $(PYTHON) is {v}. Name another: make PYTHON=...")'
@echo "Installing into $(VENV) what requirements.txt pins; the first time this takes some minutes."
$(PYTHON) -m venv $(VENV)
endef

clean:                           ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis *.egg-info
