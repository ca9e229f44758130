replay: setup ## play recorded order flow: FILE=orders.csv[.xz] [TAPE=trades.csv[.xz]] [ARGS=…]
	@test -n "$(FILE)" || { echo "Name a recording: make replay FILE=orders.csv.xz"; exit 2; }
	@$(PY) -m scripts.replay "$(FILE)" $(if $(TAPE),--tape "$(TAPE)") $(ARGS)
.PHONY: replay

bench-latency: setup ## one order to its answer and to the WebSocket, on the running exchange
	@$(PY) -m benchmarks.bench_latency $(ARGS)
.PHONY: bench-latency

bench-fan-out: setup ## one order to many WebSockets, and what a message costs the feed: [ARGS="--connections 1 100 500 --signed-in"]
	@$(PY) -m benchmarks.bench_fan_out $(ARGS)
.PHONY: bench-fan-out

bench-flood: setup ## what one account's flood does to another, or to another tenant, on the running exchange: [ARGS="--beside aurora --json"]
	@$(PY) -m benchmarks.bench_flood $(ARGS)
.PHONY: bench-flood

bench-neighbour: setup ## the same between tenants where no machine is in the way: real worker, modelled AWS: [ARGS="--seeds 12 --json"]
	@$(PY) -m benchmarks.bench_neighbour $(ARGS)
.PHONY: bench-neighbour

bench-calls: setup ## how long each call of both dialects takes, on the running exchange: [ARGS="--rounds 300 --json"]
	@$(PY) -m benchmarks.bench_calls $(ARGS)
.PHONY: bench-calls
