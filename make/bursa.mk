bursa: setup ## the operator's command line: ARGS="tenants create|list|show|brand|suspend|resume|export|delete [--help]", or "lists check|compare|measure|publish|verify", or "audit verify|export"
	@$(PY) -m scripts.bursa $(ARGS)
.PHONY: bursa
