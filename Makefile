# One meaning each: app, test, check, fast.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# A machine that is lent for minutes may have its packages already, and no network.
GPU_PYTHON ?= $(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON))

.PHONY: app test fast check audit faults gpu sample clean

app: $(VENV)/.installed          ## install and open the app
	$(BIN)/streamlit run app/main.py

test: $(VENV)/.installed-test check   ## install, lint, and run every test
	$(BIN)/python -m pytest -m "not slow and not browser and not gpu" -n 2 --dist loadfile
	$(BIN)/python -m pytest -m "(slow or browser) and not alone and not gpu" -n 2 --dist loadfile
	$(BIN)/python -m pytest -m alone

fast: $(VENV)/.installed-test    ## the quick tests alone
	$(BIN)/python -m pytest -m "not slow and not browser and not gpu" -n 2 --dist loadfile

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

sample: $(VENV)/.installed       ## write the bundled sample anew
	$(BIN)/python scripts/make_sample.py

$(VENV)/.installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.installed-test: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[test]'
	touch $@ $(VENV)/.installed

clean:                           ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis *.egg-info
