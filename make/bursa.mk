bursa: setup ## the operator's command line: ARGS="tenants list|show|brand|suspend|resume|export|delete [--help]"
	@$(PY) -m scripts.bursa $(ARGS)
.PHONY: bursa
