# Everything a user or a developer types. `make help` lists it.

PYTHON ?= python3
VENV := .venv
PEERS := .venv-peers
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
TEST := $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder --max-worker-restart=0 --durations=10
CACHES := .pytest_cache .mypy_cache .ruff_cache .hypothesis

.DEFAULT_GOAL := help
.PHONY: help setup run test check format bench bench-peers soak plant-demo validate-twin train clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/line.stamp  ## make .venv with what the line needs (no torch)

run: setup  ## run the demo scenario
	$(BIN)/python run_line.py run

# The tests start hundreds of processes, and each would compile the project anew. The trainer's own
# keep a core busy each and hold torch; most of what the others do is wait.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/dev.stamp  ## install the rest and run all tests
	$(TEST) -n 2 tests/training
	$(TEST) -n 5 --ignore=tests/training

check: $(VENV)/dev.stamp  ## formatter, linter, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/dev.stamp  ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup  ## measure the line against a bare loop over the same model
	$(BIN)/python -m benchmarks

bench-peers: setup $(PEERS)/peers.stamp  ## the line beside others, into docs/speed.md; wants a quiet machine
	$(BIN)/python -m benchmarks.peers --line-set camera.prepare=all --markdown docs/speed.md

soak: $(VENV)/dev.stamp  ## hours of storms, fuzzing and ill will against a running line
	$(BIN)/python -m pytest -n 3 --dist loadfile -m soak
	$(BIN)/python run_line.py drill --seed 1..20 --naive
	$(BIN)/python run_line.py drill --minutes 10 --faults 540
	$(BIN)/python run_line.py drill --scenario steady --minutes 30 --faults 600
	FULL_DISK_SEEDS=20 $(BIN)/python -m pytest tests/whole_line/test_full_disk_commands.py \
		tests/training/test_trainer_full_disk.py
	$(BIN)/python -m benchmarks.fuzz
	$(BIN)/python -m benchmarks.hostile_worker
	$(BIN)/python -m benchmarks.followers
	$(BIN)/python -m benchmarks.plant
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.long_run
	$(BIN)/python -m benchmarks.drift
	$(BIN)/python -m benchmarks.first_hour --weights none

plant-demo: $(VENV)/plant.stamp  ## a line with a database and a broker of its own, and a dashboard's queries
	$(BIN)/python -m benchmarks.plant.demo

validate-twin: setup  ## the real line against its twin, into docs/measurements.md; wants a quiet machine
	$(BIN)/python -m benchmarks.validate_twin
	$(BIN)/python -m benchmarks.validate_plan

train: $(VENV)/dev.stamp  ## make the default model anew: TRASHNET_DIR=…
	PYTHON=$(BIN)/python sh training/default_model.sh

clean:  ## remove .venv, .venv-peers and caches; results and datasets stay
	@for path in $(VENV) $(PEERS) $(CACHES) \
		$$(find . -name __pycache__ -not -path './$(VENV)/*' -not -path './$(PEERS)/*'); do \
		if [ -e "$$path" ]; then du -sh "$$path" | sed 's/^/removing /'; rm -rf "$$path"; fi; \
	done
	@echo "kept: results/ and datasets/, which are yours to delete"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/line.stamp: requirements/line.txt requirements/constraints.txt | $(VENV)/bin/python
	$(PIP) -r requirements/line.txt
	@touch $@

$(VENV)/plant.stamp: requirements/postgres.txt requirements/mqtt.txt $(VENV)/line.stamp
	$(PIP) -r requirements/postgres.txt -r requirements/mqtt.txt
	@touch $@

$(VENV)/dev.stamp: $(wildcard requirements/*.txt) | $(VENV)/bin/python
	$(PIP) -r requirements/dev.txt
	@touch $@ $(VENV)/line.stamp

$(PEERS)/peers.stamp: requirements/peers.txt requirements/constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/peers.txt
	@touch $@
