bench-screening: setup ## precision and recall of the sanctions screening: [ARGS=--misses]
	@$(PY) -m benchmarks.bench_screening $(ARGS)
.PHONY: bench-screening
