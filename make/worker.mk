journal: setup ## look into the journal: ARGS="verify|show|replay|digest|save [--help]"
	@$(PY) -m scripts.journal $(ARGS)
.PHONY: journal

simulate: setup ## run the worker under simulated faults: [ARGS="--first 0 --seeds 1000"]
	@$(PY) -m tests.simulation $(ARGS)
.PHONY: simulate

bench-pipeline: setup ## commands a second through queue, worker, journal and delete: [ARGS="--help"]
	@$(PY) -m benchmarks.bench_pipeline $(ARGS)
.PHONY: bench-pipeline

bench-recovery: setup ## how long a worker takes to start: [ARGS="--orders 1000000 --tail 1000000"]
	@$(PY) -m benchmarks.bench_recovery $(ARGS)
.PHONY: bench-recovery

bench-snapshot: setup ## how long the batch loop stops for a checkpoint: [ARGS="--help"]
	@$(PY) -m benchmarks.bench_snapshot $(ARGS)
.PHONY: bench-snapshot

drill-restore: setup ## restore the journal into a table of its own and compare: [STACK=… REGION=… ARGS=--from-recovery]
	@$(PY) -m scripts.drill $(if $(STACK),--stack "$(STACK)") $(if $(REGION),--region "$(REGION)") $(ARGS)
.PHONY: drill-restore
