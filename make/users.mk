users: setup ## sign a user out everywhere, shut it out or let it in: ARGS="sign-out|disable|enable EMAIL"
	@$(PY) -m scripts.users $(ARGS)
.PHONY: users
