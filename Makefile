# The commands that matter: `make demo`, `make test` and `make conformance`. Each makes the environment it needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test conformance judge check lock clean bench

demo: $(STAMP)
	$(BIN)/python -m examples.demo

test: $(STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.offline

# langchain-tests against the chat models, in an environment of its own: it wants another vcrpy than our tests.
conformance: .venv-conformance/.installed
	.venv-conformance/bin/python -m tests.conformance.langchain

.venv-conformance/.installed: pyproject.toml .ci/conformance.txt
	PYTHON="$(PYTHON)" sh .ci/environment conformance
	touch $@

# The shared recordings, cut in two and then with their ends missing: no total but the exchanges may be above 0.
RECORDINGS ?= ../shared/recordings
judge: $(STAMP)
	$(BIN)/python -m tests.conformance.recordings $(RECORDINGS)
	$(BIN)/python -m tests.conformance.recordings $(RECORDINGS) --truncate

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
	grep -v '^vcrpy==' .ci/constraints.txt > $(VENV)/shared.txt
	$(BIN)/uv pip compile -q pyproject.toml --group conformance --universal --python-version 3.11 \
	    --no-header --no-annotate --upgrade -c $(VENV)/shared.txt -o .ci/conformance.txt

clean:
	rm -rf $(VENV) .venv-conformance dist .pytest_cache .mypy_cache .ruff_cache
