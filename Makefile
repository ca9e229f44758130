# Bursa's commands. `make` alone lists them; each part of the house brings its own in make/*.mk.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

VENV := .venv
PY := $(VENV)/bin/python
export PYTHONPATH := $(CURDIR):$(CURDIR)/layers/core:$(CURDIR)/functions

help: ## this list
	@echo "Bursa, a whitelabel crypto exchange. make COMMAND:"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort -u \
	  | awk -F ':.*## ' '{ gsub(/\$$\$$/, "$$", $$2); printf "  %-14s %s\n", $$1, $$2 }'
.PHONY: help

setup: ## make the virtual environment and compile the engine (every command does it by itself)
	@scripts/setup.sh
.PHONY: setup

# --- the exchange on this machine -----------------------------------------------------------------

run: setup ## start the whole exchange and show its log; Ctrl-C ends it
	@exec $(PY) -m scripts.local run
.PHONY: run

up: setup ## start the whole exchange and return when it responds
	@exec $(PY) -m scripts.local up
.PHONY: up

down: setup ## end what `make up` started
	@exec $(PY) -m scripts.local down
.PHONY: down

reset: setup ## end it and remove all its data
	@exec $(PY) -m scripts.local reset
.PHONY: reset

status: setup ## what is running here, and how to talk to it
	@exec $(PY) -m scripts.local status
.PHONY: status

sign-in: ## shell variables for curl: eval "$$(make -s sign-in)"; AS=bob, TENANT=aurora for others
	@$(PY) -m scripts.local sign-in
.PHONY: sign-in

sign-up: ## the same for a stranger who signs up now: eval "$$(make -s sign-up)"; TENANT=aurora
	@$(PY) -m scripts.local sign-up
.PHONY: sign-up

play-money: ## as the operator, credit who is signed in ($$TOKEN) with some of each asset, once
	@$(PY) -m scripts.local play-money
.PHONY: play-money

api-key: ## make an API key of who is signed in ($$TOKEN): eval "$$(make -s api-key)"
	@$(PY) -m scripts.local api-key
.PHONY: api-key

invoke: setup ## one function in Lambda's container image (Docker): FUNCTION=MarketApi EVENT=events/health.json
	@$(PY) -m scripts.invoke $(FUNCTION) $(EVENT)
.PHONY: invoke

# --- tests and checks -----------------------------------------------------------------------------

# Two workers: the machines this runs on have two cores, and the end-to-end tests share one exchange.
PYTEST := $(PY) -m pytest -n 2 --dist loadgroup

test: setup ## all tests, the end-to-end ones on MiniStack included
	@$(PYTEST) $(ARGS)
.PHONY: test

test-long: setup ## the tests of nightly size too
	@$(PYTEST) -m "" $(ARGS)
.PHONY: test-long

test-containers: setup ## every function in Lambda's own base image, where Docker is there or can be had
	@scripts/containers.sh $(ARGS)
.PHONY: test-containers

lint: setup ## ruff, mypy --strict, sam validate --lint, cfn-lint, checkov
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy .
	@scripts/lint_templates.sh
.PHONY: lint

lock: setup ## rewrite the lock files from requirements.in
	@scripts/lock.sh
.PHONY: lock

clean: ## remove everything that was made here, but not the exchange's data
	@rm -rf .aws-sam .local/builds .local/sam-cache .pytest_cache .mypy_cache .ruff_cache $(VENV)
.PHONY: clean

# --- AWS ------------------------------------------------------------------------------------------

deploy: setup ## deploy to AWS: STACK=bursa REGION=eu-central-1 [ALARM_EMAIL=… ARGS=--dry-run]
	@$(PY) -m scripts.deploy $(ARGS)
.PHONY: deploy

-include make/*.mk
