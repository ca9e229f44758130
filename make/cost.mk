cost: setup ## what an order costs, and a deployment at rest: [ARGS="--json | --write"]
	@$(PY) -m scripts.cost $(ARGS)
.PHONY: cost
