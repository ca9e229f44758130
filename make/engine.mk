# The engine: compile, measure, run scenarios. Included by the main Makefile.

FILE ?=
WARM ?= 0

.PHONY: engine bench-engine scenarios

engine: setup ## Compile the fast engine in place; without a C compiler it runs interpreted
	@$(PY) -m engine.build

bench-engine: engine ## Measure the engine: FILE=workload.csv WARM=rows, or its own workload
	@$(PY) -m benchmarks.bench_engine $(if $(FILE),--file $(FILE) --warm $(WARM))

scenarios: setup ## Run black-box scenarios: FILE=scenarios.json, or the project's own; ARGS="--show NAME" draws one
	@$(PY) -m scripts.scenarios $(if $(FILE),$(FILE),tests/scenarios) $(ARGS)
