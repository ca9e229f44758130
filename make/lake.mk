lake: setup ## ask all of history: QUERY=daily-volume (without it, the list) [ARGS="--tenant t1 --from DAY --to DAY --json --stack NAME"]
	@$(PY) -m scripts.lake $(if $(QUERY),"$(QUERY)") $(ARGS)
.PHONY: lake
