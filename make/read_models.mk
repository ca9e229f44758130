rebuild: setup ## recreate the read models from the journal: [ARGS="--compare --json --stack NAME"]
	@$(PY) -m scripts.rebuild $(ARGS)
.PHONY: rebuild

bench-facts: setup ## what putting facts on the bus adds to the projector: [ARGS="--records 200"]
	@$(PY) -m benchmarks.bench_facts $(ARGS)
.PHONY: bench-facts

bench-book: setup ## write units of a deep book, in one item and in parts: [ARGS="--levels 10000"]
	@$(PY) -m benchmarks.bench_book $(ARGS)
.PHONY: bench-book
