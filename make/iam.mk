record-calls: setup ## write what each role calls AWS for, as the end-to-end tests show it
	@RECORD_CALLS=1 $(PY) -m pytest tests/e2e -m "e2e and not long" --ignore-glob='*/test_local_*' $(ARGS)
.PHONY: record-calls
