# Every verb does its own set-up; all it needs is Python 3.11 or newer (with venv), make and git.
#   make demo    the story, told by running it          make check   lint, types, layers, docs drift
#   make test    everything that needs no large build   make bench   what recording costs, as a Markdown table
#   make test-all   the same with the real collectors and Jaeger, on the oldest and newest Python of this machine, with openai 2 and 3
#   make collector  the collector with our redactor, built into collector-config/build (Go; fetched from PyPI where it is missing)
#   make jaeger     a real Jaeger for the tests, built into the user's cache folder
#   make stock-collector  a collector as people have it, for the tests, built there too
#   make test-go    vet, lint, race detector, coverage of the collector's modules
# PYTHON=/path/to/python3 chooses the interpreter for a new environment.

.PHONY: help demo test test-all collector jaeger stock-collector test-go check bench docs lock clean environment check-environment
.DEFAULT_GOAL := help
export PYTHON
unexport PYTHONDONTWRITEBYTECODE  # with it, every process that a test starts would compile the packages anew
RUN := .venv/bin/
TESTS ?= tests
WORKERS ?= auto

help:
	@sed -n '2,9s/^# *//p' Makefile

demo: environment
	@$(RUN)chronicle demo

test: environment
	$(RUN)python -m pytest -q -n $(WORKERS) --dist worksteal $(TESTS)

test-all: collector jaeger stock-collector test
	@scripts/matrix $(TESTS)

collector:
	@scripts/collector

jaeger:
	@scripts/jaeger

stock-collector:
	@scripts/stock-collector

test-go:
	@scripts/test-go

check: check-environment
	$(RUN)ruff check .
	$(RUN)pyright
	$(RUN)lint-imports
	$(RUN)python -m chronicle_otel.cli.reference --check docs/cli.md

bench: environment
	$(RUN)python -m tests.bench

docs: environment
	$(RUN)python -m chronicle_otel.cli.reference docs/cli.md

lock: environment
	$(RUN)python scripts/lock.py

environment:
	@scripts/environment .venv requirements/openai3.txt

check-environment:
	@scripts/environment .venv requirements/openai3.txt requirements/check.txt

clean:
	rm -rf .venv .matrix .go collector-config/build .chronicle chronicle-demo dist
