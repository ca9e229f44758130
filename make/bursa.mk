bursa: setup ## the operator's command line: ARGS="tenants create|list|show|brand|suspend|resume|export|delete [--help]"
	@$(PY) -m scripts.bursa $(ARGS)
.PHONY: bursa
