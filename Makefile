# Two commands do everything on a fresh machine with Python 3.11+ and make: `make run`, `make test`.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: run test slow thorough lint audit gallery clean

run: .venv/.ready
	$(BIN)/python run_suite.py $(ARGS)

test: .venv/.ready
	$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

slow: .venv/.ready
	$(BIN)/pytest -n 2 --dist loadgroup -m slow $(ARGS)

thorough: .venv/.ready
	$(BIN)/pytest -n 2 --dist loadgroup -m thorough $(ARGS)

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict suite

audit: .venv/.ready
	$(BIN)/python .ci/audit

# Claims and pictures in docs/ and README.md, from the runs recorded in results/topics/.
gallery: .venv/.ready
	$(BIN)/python docs/gallery.py

# pip compiles what it installs; without compiled modules every import of TensorFlow takes 20 s.
.venv/.ready: requirements.txt
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else "Expected Python 3.11 or newer. Received: %d.%d." % v[:2])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --compile -r requirements.txt
	touch $@

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
