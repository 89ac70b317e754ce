# termhub's commands. `make run` needs nothing prepared; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help run test lint format client bench wheel install clean

BIN := .venv/bin

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

run: ## install what is missing and run a hub here (DATA=folder, ARGS=options of `termhub up`)
	@tools/install.sh run
	@tools/client.sh build
	@echo "  Starting the hub (Ctrl-C stops it; the consoles go on)"
	@exec $(BIN)/termhub up $(if $(DATA),--data "$(DATA)") $(ARGS)

test: ## install what the tests need; run every check and every test
	@tools/install.sh dev
	@tools/client.sh build
	@tools/test.sh all

lint: ## only the checks that read the code
	@tools/install.sh dev
	@tools/test.sh lint

format: ## put the code into its format
	@tools/install.sh dev
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .
	@tools/client.sh npm run format

client: ## build the browser client
	@tools/install.sh run
	@tools/client.sh build

bench: ## measure, side by side with other terminals, into docs/performance.md
	@tools/install.sh bench
	@tools/client.sh build
	@exec $(BIN)/python -m tests.bench $(ARGS)

wheel: ## build a wheel with the client in it, into dist/
	@tools/install.sh run
	@tools/client.sh build
	@rm -rf build/lib build/bdist.*
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

install: ## install what is missing, start nothing
	@tools/install.sh run
	@tools/client.sh build

clean: ## remove everything that these commands made
	rm -rf .venv build dist *.egg-info client/node_modules client/dist termhub/gateways/web/static
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
