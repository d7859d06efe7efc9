# Everything one does with Candor. `make help` lists the words.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PY     := $(BIN)/python
LOCAL  := $(PY) -m infra.local
BENCH  := PYTHONPATH=.:layers/core $(PY) -m tests.benchmarks
IMPORT  = $(if $(FILE),"$(FILE)",) $(if $(OUT),--out "$(OUT)",) $(if $(APPROVAL),--approval "$(APPROVAL)",) \
          $(if $(DEPARTMENTS),--departments "$(DEPARTMENTS)",) $(if $(STATUSES),--statuses "$(STATUSES)",) $(if $(SINCE),--since "$(SINCE)",)
export SAM_CLI_TELEMETRY = 0
export PATH := $(CURDIR)/$(BIN):$(PATH)
# What `make run PORT=… STATE=…` says reaches the program as environment.
export PORT AWS_PORT STATE FRESH DEMO ENDPOINT AUTH RELOAD STACK
.DEFAULT_GOAL := help
.PHONY: help run demo test test-fast test-e2e check format clean drop ingest ingest-dry import-whmcs import-whmcs-dry whmcs-login dlq crawl-whmcs create-admin init-db invoke package build deploy \
        bench-retrieval bench-search bench-tickets bench-ingest bench-import bench-reindex bench-crawl bench-api bench-answers bench-durability \
        bench-load bench-consistency bench-conversations bench-stream bench-redaction

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ------------------------------------------------------------------ installing
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Candor needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing (Debian: apt-get install python3-venv)."; exit 1; }
	@touch $@
$(VENV)/.uv: $(VENV)/.python requirements/uv.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
	@touch $@
$(VENV)/.run: $(VENV)/.uv requirements/run.txt
	@echo "Installing what Candor runs on into $(VENV) …"
	@$(BIN)/uv pip install --quiet --python $(PY) --no-deps --require-hashes --compile-bytecode --requirement requirements/run.txt
	@touch $@
$(VENV)/.dev: $(VENV)/.uv requirements/dev.txt
	@echo "Installing the development tools into $(VENV) …"
	@$(BIN)/uv pip install --quiet --python $(PY) --no-deps --require-hashes --compile-bytecode --requirement requirements/dev.txt
	@touch $@ $(VENV)/.run

# ------------------------------------------------------------------ running
run: $(VENV)/.run ## Start everything on this machine: API, queues, tables, demo knowledge (PORT= AWS_PORT= STATE= FRESH=1 DEMO=0 ENDPOINT=)
	@$(LOCAL) run
demo: $(VENV)/.run ## The same, and stop after the first answer
	@$(LOCAL) run --once
drop: $(VENV)/.run ## Put a file into the running stack's bucket and follow it (FILE=)
	@$(LOCAL) drop $(if $(FILE),"$(FILE)",)
ingest: $(VENV)/.run ## Read FILE=, or everything under ./source, into the running stack
	@$(LOCAL) ingest $(if $(FILE),"$(FILE)",)
ingest-dry: $(VENV)/.run ## Say what `ingest` would do, and do nothing (FILE=)
	@$(LOCAL) ingest --dry-run $(if $(FILE),"$(FILE)",)
import-whmcs: $(VENV)/.run ## Import a WHMCS dump into the running stack (FILE=a.sql.gz[,b…] DRY_RUN=1 OUT=tickets.jsonl APPROVAL= DEPARTMENTS= STATUSES= SINCE=)
	@$(LOCAL) import-whmcs $(IMPORT) $(if $(filter 1 true yes,$(DRY_RUN)),--dry-run,)
import-whmcs-dry: $(VENV)/.run ## Say what the dump holds, without a running stack (the same)
	@$(LOCAL) import-whmcs-dry $(IMPORT)
dlq: $(VENV)/.run ## Show what the queues gave up, and why (QUEUE=index; REDRIVE=1 sends it again)
	@$(LOCAL) dlq $(QUEUE) $(if $(filter 1 true yes,$(REDRIVE)),--redrive,)
whmcs-login: $(VENV)/.run ## Log in to WHMCS by hand (captcha, single sign-on) and store the session in the stack (BASE_URL= AREA=admin|client)
	@$(LOCAL) whmcs-login $(if $(BASE_URL),--base-url "$(BASE_URL)",) $(if $(AREA),--area "$(AREA)",)
crawl-whmcs: $(VENV)/.run ## Fetch the configured WHMCS helpdesk's tickets and follow the job (AREA=client SINCE=last|2026-11-01)
	@$(LOCAL) crawl-whmcs $(if $(AREA),--area "$(AREA)",) $(if $(SINCE),--since "$(SINCE)",)
create-admin: $(VENV)/.run ## Make an admin user; asks for name and password (ENDPOINT=, STACK=)
	@$(LOCAL) create-admin
init-db: $(VENV)/.run ## Check a stack's tables, indexes and health (ENDPOINT=, STACK=)
	@$(LOCAL) init-db
invoke: $(VENV)/.run ## Run one function on the running stack (FUNCTION=replies EVENT=events/replies/generate.json)
	@$(LOCAL) invoke $(if $(FUNCTION),"$(FUNCTION)",) $(if $(EVENT),"$(EVENT)",)

# ------------------------------------------------------------------ checking
test: $(VENV)/.dev ## Every test this machine can run; what is skipped is printed with the reason
	@$(PY) -m pytest $(ARGS)
test-fast: $(VENV)/.dev ## Without the slow ones and the journeys
	@$(PY) -m pytest -m "not slow and not e2e" $(ARGS)
test-e2e: $(VENV)/.dev ## The journeys, on a stack of their own or on ENDPOINT=
	@$(PY) -m pytest -m e2e tests/e2e $(ARGS)
check: $(VENV)/.dev ## Style, types, room rules, template
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@MYPYPATH=layers/core $(BIN)/mypy --strict layers/core/candor functions infra
	@PYTHONPATH=.:layers/core $(BIN)/lint-imports
	@$(BIN)/cfn-lint template.yaml
	@$(BIN)/sam validate --lint --region us-east-1 > /dev/null && echo "template.yaml is valid"
format: $(VENV)/.dev ## Write every file in the house style
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .
clean: ## Remove what was built or installed; the state folder stays
	@rm -rf $(VENV) .aws-sam build .pytest_cache .mypy_cache .ruff_cache infra/opensearch/target infra/dynamodb/target

# ------------------------------------------------------------------ deploying
# The layers' byte code has to be of the runtime's Python; where there is none, they go without.
build: export LAYER_PYTHON = $(shell for p in python3.13 $$HOME/.pyenv/versions/3.13.*/bin/python; do $$p -V >/dev/null 2>&1 && echo $$p && break; done)
build: $(VENV)/.dev
	@test -n "$(LAYER_PYTHON)" || echo "No Python 3.13 here: the layers go without .pyc, and cold starts will be slower."
	@$(BIN)/sam build
package: build ## Build the layers and print their sizes against Lambda's limit
	@$(PY) -m infra.package
deploy: build ## Deploy to the account at hand (STAGE=staging|production)
	@$(BIN)/sam deploy --config-env $(or $(STAGE),staging)

# ------------------------------------------------------------------ measuring
bench-retrieval: $(VENV)/.dev ## Ranking quality over BEIR folders (DATA=dir)
	@$(BENCH).bench_retrieval --data "$(DATA)"
bench-search: $(VENV)/.dev ## Speed of search (N=100000 passages)
	@$(BENCH).bench_search $(if $(N),-n $(N),)
bench-tickets: $(VENV)/.dev ## Speed of lists and searches of tickets (N=200000)
	@$(BENCH).bench_tickets $(if $(N),-n $(N),)
bench-import: $(VENV)/.dev ## A WHMCS dump read, joined and stored, and what differs from the truth (SIZE_MB=200, STYLE=, PACKING=gz|xz, STORE= tickets)
	@$(BENCH).bench_import $(if $(SIZE_MB),--size-mb $(SIZE_MB),) $(if $(STYLE),--style $(STYLE),) $(if $(PACKING),--packing $(PACKING),) $(if $(STORE),--store $(STORE),)
bench-ingest: $(VENV)/.dev ## Pages and passages a second
	@$(BENCH).bench_ingest

bench-reindex: $(VENV)/.dev ## Passages a second of building an index anew
	@$(BENCH).bench_reindex
bench-api: $(VENV)/.dev ## Latency of reply generation at 1 and 8 in flight
	@$(BENCH).bench_api
bench-answers: $(VENV)/.dev ## How often answers are right, wrong or withheld, without and with models (KB=, QUESTIONS=)
	@$(BENCH).bench_answers $(if $(KB),--kb $(KB),) $(if $(QUESTIONS),--questions $(QUESTIONS),)
bench-crawl: $(VENV)/.dev ## A website crawled twice through the local stack (N=300 pages)
	@$(BENCH).bench_crawl $(if $(N),--pages $(N),)
bench-redaction: $(VENV)/.dev ## What masking misses and what it takes wrongly, by kind and language
	@$(BENCH).bench_redaction
bench-durability: $(VENV)/.dev ## Ten times kill -9 during an ingest; what was lost
	@$(BENCH).bench_durability
bench-load: $(VENV)/.dev ## Thousands of pages dropped at once: rate, replies meanwhile, memory (N=5000 pages, DROPS=)
	@$(BENCH).bench_load $(if $(N),--pages $(N),) $(if $(DROPS),--drops $(DROPS),)
bench-conversations: $(VENV)/.dev ## Many who talk at once: nothing lost, doubled or out of order (N=200 conversations)
	@$(BENCH).bench_conversations $(if $(N),--conversations $(N),)
bench-stream: $(VENV)/.dev ## When the first words of a streamed answer are there (N=40 questions)
	@$(BENCH).bench_stream $(if $(N),--requests $(N),)
bench-consistency: $(VENV)/.dev ## 500 changes while asking, an index down for a minute (N= changes, ENGINE=embedded|opensearch)
	@$(BENCH).bench_consistency $(if $(N),--changes $(N),) $(if $(ENGINE),--engine $(ENGINE),)
