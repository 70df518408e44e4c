# The two commands that matter: `make demo` and `make test`. Both make the environment they need.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check lock clean bench

demo: $(STAMP)
	$(BIN)/python -m examples.demo

test: $(STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.offline

bench: $(STAMP)
	$(BIN)/python -m tests.bench

.venv: $(STAMP)

$(STAMP): pyproject.toml .ci/constraints.txt
	PYTHON="$(PYTHON)" sh .ci/environment
	touch $@

# The tested set: exact versions, no index named. Made again when a bound in pyproject.toml moves.
lock: $(STAMP)
	$(BIN)/uv pip compile -q pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
	    --no-header --no-annotate --upgrade -o .ci/constraints.txt

clean:
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache
