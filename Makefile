# `make help` lists what there is. Everything runs in .venv, which is made from requirements/dev.txt (versions and hashes).
SHELL := /bin/bash
PYTHON := python3
BIN := .venv/bin
.DEFAULT_GOAL := help
# Lab tests mostly wait, so two labs go on side by side while a third process runs what needs none (tests/conftest.py).
SIDE_BY_SIDE := -n 3 --dist loadscope
.PHONY: help announce host-packages prepare demo demo-fleet demo-stop test soak soak-tests sabotage bench golden docs fmt check

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

announce:
	@$(PYTHON) ironpost/lab/tools.py --announce

host-packages: announce
	@missing="$$($(PYTHON) ironpost/lab/tools.py --missing-packages $(FOR))"; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ]; then \
	  echo "Installing Debian packages: $$missing"; \
	  apt-get update -q >/dev/null && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing >/dev/null; fi

.venv/locked: requirements/dev.txt pyproject.toml
	@echo "Installing Python packages into .venv, as locked in requirements/dev.txt"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

prepare: host-packages
	@$(MAKE) --no-print-directory .venv/locked

demo: prepare ## boot two mail hosts in a network of their own, deploy, publish, send mail, verify
	@$(BIN)/ironpost demo

demo-fleet: prepare ## boot eight mail hosts that divide their roles; see a careless change refused and undone
	@$(BIN)/ironpost demo-fleet

demo-stop: ## take the demos' networks down
	@$(BIN)/ironpost lab down
	@$(BIN)/ironpost lab down --name demo-fleet

test: prepare ## every test, the real hosts included (under 20 minutes on two cores)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check -q .
	@$(BIN)/mypy
	@$(BIN)/pytest -m "not soak" $(SIDE_BY_SIDE) --durations=10

# Tools that others verify with: programs, in an environment of their own.
.venv-tools/locked: requirements/tools.txt
	@echo "Installing sslyze, checkdmarc and ansible-core into .venv-tools, as locked in requirements/tools.txt"
	@test -x .venv-tools/bin/python || $(PYTHON) -m venv .venv-tools
	@.venv-tools/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements/tools.txt
	@touch $@

# The OpenID provider of the lab: packages of npm by version and digest; none of them runs anything when it is installed.
.openid/locked: tests/lab/openid/provider/package-lock.json
	@echo "Installing oidc-provider into .openid, as locked in tests/lab/openid/provider/package-lock.json"
	@mkdir -p .openid && cp tests/lab/openid/provider/package.json tests/lab/openid/provider/package-lock.json .openid/
	@cd .openid && npm ci --silent --omit=dev --ignore-scripts --no-audit --no-fund
	@touch $@

soak: soak-tests sabotage ## what takes long: kills, every port, the report in a browser, all sabotages; PART=1/3

soak-tests: FOR := soak
soak-tests: prepare .venv-tools/locked .openid/locked
	@IRONPOST_SOAK_PART=$(PART) $(BIN)/pytest -m soak --durations=0 --durations-min=20 tests/lab

sabotage: prepare ## break a live host in every way that the table has; goes on where it was stopped
	@IRONPOST_SOAK_PART=$(PART) $(BIN)/python -m tests.lab.sabotage

bench: prepare .venv-tools/locked ## what it costs, as ratios measured in one run; PART=host|ansible|fifty|many|delivery
	@$(BIN)/python -m tests.bench $(PART)

golden: prepare ## write the golden files anew; review with git diff
	@IRONPOST_GOLDEN=write $(BIN)/pytest -q tests/golden

docs: prepare ## write docs/settings.md and docs/controls.md from the code
	@$(BIN)/python docs/generate.py

fmt: prepare ## format the code
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix .

check: prepare ## lint and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check -q . && $(BIN)/mypy
