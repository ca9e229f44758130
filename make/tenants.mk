onboard: setup ## open a tenant, or bring it up to date: FILE=tenant.yaml [STACK=… REGION=… ARGS=--dry-run]
	@test -n "$(FILE)" || { echo "Name a tenant's file: make onboard FILE=docs/examples/tenants/demo.yaml"; exit 2; }
	@$(PY) -m scripts.bursa tenants create "$(FILE)" $(if $(STACK),--stack "$(STACK)") $(if $(REGION),--region "$(REGION)") $(ARGS)
.PHONY: onboard
