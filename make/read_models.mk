rebuild: setup ## recreate the read models from the journal: [ARGS="--compare --json --stack NAME"]
	@$(PY) -m scripts.rebuild $(ARGS)
.PHONY: rebuild
