# Everything a person types here. `make` alone lists it.
#
# Tools go into .venv, .tools and four node_modules folders, pinned. Nothing is installed outside this folder, except that
# `make build` adds the arm64 target to Rust.

.DEFAULT_GOAL := help
.PHONY: help demo up down test grants lint audit simulate chaos load features fmt openapi contract bench watch try-watch build check-build deploy doctor cost screenshots purge-file batch verify programs writers

FUNCTIONS := $(notdir $(wildcard functions/*))
PROGRAMS  := $(or $(CARGO_TARGET_DIR),target)/debug
GRANTS    := $(or $(CARGO_TARGET_DIR),target)/strict
BIN       := $(CURDIR)/.venv/bin

TOOLS       := .venv/.tools
CARGO_TOOLS := .venv-watch/.tools
CARGO_BIN   := $(CURDIR)/.venv-watch/bin
BENCH_TOOLS := .venv/.bench-tools
NODE_TOOLS  := infra/local/node_modules/.tools
CONTRACT_TOOLS := infra/local/contract/node_modules/.tools
SDK         := tests/sdk/node_modules/.tools .venv-segment/.tools
WAREHOUSES  := .venv-bigquery/.tools .venv-snowflake/.tools
SCHEMATHESIS := .venv-schemathesis/.tools
DENY_VERSION := 0.20.2
DENY        := .tools/cargo-deny-$(DENY_VERSION)/bin/cargo-deny
WEB_TOOLS   := functions/console/web/node_modules/.tools
BROWSER     := tests/browser/node_modules/.tools
VERIFY      := functions/audit/verify

# Tests wait for each other's functions more than they compute.
export RUST_TEST_THREADS ?= $(shell expr $$(nproc) + 1)

# Benchmarks of the package `tests`, beside those of the engine.
LOCAL_BENCHES := warehouse vendors api collect

# The console's page, which is embedded in its function. Its types come from the API's description.
PAGE        := functions/console/web/dist/index.html
PAGE_PARTS  := $(shell find functions/console/web -type f ! -path '*/node_modules/*' ! -path '*/dist/*' ! -name schema.d.ts) \
               functions/intake/openapi.json

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- On this machine ---------------------------------------------------------------------------------

demo: $(TOOLS) programs ## Start everything and watch three people disappear, with proof
	@$(PROGRAMS)/local demo

up: $(TOOLS) programs ## Start everything, without the story; writes .local/stack.env
	@$(PROGRAMS)/local up

down: programs ## Stop everything that `make up` or `make demo` started, and remove its data
	@$(PROGRAMS)/local down

watch: $(CARGO_TOOLS) ## Run one function again whenever it changes, on the local stack: make watch FN=purge
	@test -f .local/stack.env || { echo "Start the local stack first: make up" >&2; exit 1; }
	@test -n "$(FN)" -a -d "functions/$(FN)" || { echo "Say which function: make watch FN=purge (one of: $(FUNCTIONS))" >&2; exit 1; }
	@echo "Once it runs (the first build takes minutes), invoke it with:"
	@echo "  curl http://127.0.0.1:9000/2015-03-31/functions/$(FN)/invocations -d @functions/$(FN)/event.json"
	@set -a; . .local/stack.env; . .local/$(FN).env; \
	exec $(CARGO_BIN)/cargo-lambda lambda watch --invoke-address 127.0.0.1 --concurrency 8 --package $(FN)

try-watch: $(CARGO_TOOLS) ## Try make watch with sample events, on the local stack: make try-watch [FN="intake suppress purge batch"]
	$(BIN)/python infra/local/try_watch.py $(or $(FN),intake suppress purge batch)

screenshots: $(TOOLS) $(BROWSER) programs ## Take the console's pictures anew: functions/console/screenshots
	SCREENSHOTS=1 cargo test --workspace --test e2e -- console --nocapture

purge-file: ## Purge one file without any AWS: make purge-file IN=a.gz IDS=ids.txt OUT=b.gz [KEYS=userId,previousId]
	@cargo run --release --quiet -p engine --example purge-file -- \
	  "$(IN)" "$(IDS)" "$(OUT)" $(if $(KEYS),"$(KEYS)")

batch: $(TOOLS) ## Send a file of people to be forgotten: make batch FILE=ids.csv [TYPE=DELETE_ONLY] [COLUMN=id] [STACK=lethe]
	@test -f "$(FILE)" || { echo "Say which file: make batch FILE=ids.csv" >&2; exit 1; }
	@test -n "$(STACK)" -o -f .local/stack.env || { echo "Start the local stack first (make up), or say which: STACK=lethe" >&2; exit 1; }
	@$(if $(STACK),,set -a; . .local/stack.env; set +a;) $(BIN)/python infra/local/batch.py "$(FILE)" "$(or $(STACK),lethe)" \
	  "$(or $(TYPE),SUPPRESS_WITH_DELETE)" "$(COLUMN)" "$(REFERENCE)"

verify: .venv-verify/.tools ## Verify certificates offline: make verify CERT='a.jws b.jws' (or a folder) KEYS=lethe-keys.json [LOG=log.json] [PROOF=proof.json]
	@test -n "$(CERT)" -a -n "$(KEYS)" || { echo "Say which: make verify CERT=file.jws KEYS=lethe-keys.json" >&2; exit 1; }
	@.venv-verify/bin/python $(VERIFY)/verify.py $(CERT) --keys "$(KEYS)" $(if $(LOG),--log $(LOG)) $(if $(ALL),--all) \
	  $(if $(PROOF),--proof $(PROOF)) $(if $(GROWTH),--growth $(GROWTH))

# --- Before a change is done --------------------------------------------------------------------------

test: $(TOOLS) ## Lint, then every test: unit, store and end to end on the local AWS
	@# Tools come over the network while the processors compile.
	@$(MAKE) --no-print-directory -j4 $(SDK) $(WAREHOUSES) $(SCHEMATHESIS) $(BROWSER) .venv-verify/.tools lint programs
	@rm -rf $(GRANTS)
	$(BIN)/python -m pytest --quiet --no-header -p no:cacheprovider tests/strict tests/verify
	cargo test --workspace --no-fail-fast
	@$(MAKE) --no-print-directory grants

grants: ## After `make test`: the grants of the template that no test used, each with its reason
	@$(BIN)/python tests/strict/report.py $(GRANTS)

lint: $(TOOLS) $(NODE_TOOLS) $(WEB_TOOLS) ## Check formatting, Rust, its crates, the template, the state machines and the API's description
	$(BIN)/python infra/local/lint
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	@cd functions/console/web && npm run --silent test

audit: .venv-secrets/.tools .venv-checkov/.tools $(DENY) ## Look for secrets, weaknesses of the template, licences and banned crates
	.venv-secrets/bin/python infra/local/audit/secret_scan.py
	.venv-checkov/bin/checkov --config-file infra/local/audit/checkov.yaml
	$(DENY) --locked --all-features check --hide-inclusion-graph licenses bans sources

simulate: ## Run the real functions in orders that seeds choose: make simulate [SEEDS=10000]; SEED=n SEEDS=1 repeats one
	SEEDS=$(or $(SEEDS),10000) cargo test --workspace --test simulation -- --nocapture

chaos: $(TOOLS) programs ## Disturb a deployed stack by chance while it forgets people: make chaos [ROUNDS=100] [SEED=7]
	ROUNDS=$(or $(ROUNDS),100) $(if $(SEED),SEED=$(SEED)) cargo test --workspace --test e2e -- chaos --nocapture

load: $(TOOLS) programs ## Ask a local stack for more than it can do, by 50 clients: make load [REGULATIONS=1000] [SUBJECTS=100]
	CLIENTS=50 REGULATIONS=$(or $(REGULATIONS),1000) SUBJECTS=$(or $(SUBJECTS),100) cargo test --workspace --test e2e -- load:: --nocapture

fmt: ## Format the Rust code
	cargo fmt --all

WRITERS := shared/engine/tests/writers
writers: .venv-writers/.tools ## Make the engine's test files by other programs anew, and have those read what a purge leaves
	.venv-writers/bin/python $(WRITERS)/make.py $(WRITERS)/files
	@mkdir -p target/purged
	PURGED="$(CURDIR)/target/purged" cargo test --workspace --test writers
	.venv-writers/bin/python $(WRITERS)/make.py --check $(WRITERS)/files target/purged

openapi: ## Write the API's description anew from the code: functions/intake/openapi.json
	UPDATE=1 cargo test --workspace --lib openapi

features: $(TOOLS) ## Name anew the features with which all functions build third-party crates: shared/features/Cargo.toml
	$(BIN)/python infra/local/lint/features.py

vendors: ## List the vendors by the day on which their pages were read, with what each can confirm and is asked by
	@cargo run --quiet --package destinations --example vendors

contract: $(CONTRACT_TOOLS) $(WAREHOUSES) ## Hold the vendors' calls against their own OpenAPI documents: make contract SPECS=folder
	@python3 infra/local/contract/contract.py "$(SPECS)"
	SPECS="$(abspath $(SPECS))" cargo test --workspace --test contract --test warehouses -- --ignored --nocapture

bench: $(BENCH_TOOLS) ## Measure what must be fast, as ratios in one run: make bench [BENCH=purge]; writes target/bench/*.json
	$(if $(filter $(LOCAL_BENCHES),$(BENCH)),,cargo bench --workspace $(if $(BENCH),--bench $(BENCH),--benches))
	@# The work is Postgres's and the local AWS's: what the tests have built will do.
	$(foreach bench,$(filter $(or $(BENCH),%),$(LOCAL_BENCHES)),cargo bench --workspace --profile dev --bench $(bench) &&) true

# --- To AWS --------------------------------------------------------------------------------------------

build: $(CARGO_TOOLS) $(PAGE) ## Make the functions' arm64 zips: target/lambda/*/bootstrap.zip
	PATH="$(CARGO_BIN):$$PATH" cargo-lambda lambda build --release --arm64 --output-format zip --lambda-dir target/lambda $(FUNCTIONS:%=--package %)
	@$(BIN)/python infra/local/arm64.py target/lambda

check-build: $(TOOLS) ## Start each of the arm64 zips under QEMU with its sample event; hold their sizes and symbols
	$(BIN)/python infra/local/arm64.py target/lambda --start

# PARAMETERS may have quotes of its own: PARAMETERS='PurgeSchedule="rate(5 minutes)"'. PARAMETERS_FILE is a JSON list of
# such texts, ["PurgeSchedule=rate(5 minutes)", "ArchiveBuckets=one,two"], that no shell reads. A STAGE is a stack and a file of
# parameters of its own.
DEPLOYED := $(or $(STACK),$(if $(STAGE),lethe-$(STAGE)))
GIVEN    := $(or $(PARAMETERS_FILE),$(wildcard infra/stages/$(STAGE).json))

deploy: $(TOOLS) ## Deploy to AWS: shows what changes, asks, waits, tries it: make deploy STACK=lethe (or STAGE=test) BUCKET=my-artifacts [PARAMETERS_FILE=production.json] [YES=1] [PREVIEW=1]
	@test -n "$(DEPLOYED)" -a -n "$(BUCKET)" || { \
	  echo "Say where: make deploy STACK=<stack name> BUCKET=<bucket for the zips> [PARAMETERS_FILE=production.json]" >&2; exit 1; }
	@test -z '$(GIVEN)' -o -f '$(GIVEN)' || { echo "There is no file $(GIVEN)" >&2; exit 1; }
	@test -z '$(GIVEN)' -o -z '$(if $(PARAMETERS),yes)' || { echo "Give PARAMETERS or PARAMETERS_FILE, not both" >&2; exit 1; }
	@$(MAKE) build
	$(BIN)/aws cloudformation package --template-file infra/template.yaml --s3-bucket "$(BUCKET)" \
	  --output-template-file target/lambda/template.yaml
	YES=$(YES) PREVIEW=$(PREVIEW) $(BIN)/python infra/local/deploy.py "$(DEPLOYED)" "$(BUCKET)" target/lambda/template.yaml \
	  $(if $(GIVEN),'@$(GIVEN)',$(PARAMETERS))
	$(if $(PREVIEW),,$(BIN)/python infra/local/smoke.py "$(DEPLOYED)")

doctor: $(TOOLS) ## Look at a deployed stack and say what to mend: make doctor STACK=lethe
	@test -n "$(DEPLOYED)" || { echo "Say which: make doctor STACK=lethe" >&2; exit 1; }
	@$(BIN)/python infra/local/doctor.py "$(DEPLOYED)"

cost: $(TOOLS) ## Compute what running Lethe costs, and how long it takes, for three sizes of company: infra/local/cost.json
	@$(BIN)/python infra/local/cost.py infra/local/cost.json

# --- Tools ----------------------------------------------------------------------------------------------

# The whole workspace at once: building parts of it would compile the AWS SDKs again for each set of features.
programs: $(PAGE)
	@command -v cargo >/dev/null || { echo "Rust is missing: install it from https://rustup.rs" >&2; exit 1; }
	@cargo build --workspace

$(TOOLS): infra/local/requirements.txt
	@python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer with its venv module is missing: on Debian, apt install python3-venv" >&2; exit 1; }
	@echo "Setting up .venv (the local AWS and the checks; once, about a minute)"
	@python3 -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

$(BENCH_TOOLS): shared/engine/benches/purge/requirements.txt $(TOOLS)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

# These want other versions of the same libraries than .venv and than each other, or are seldom wanted.
.venv-%/.tools: infra/local/%-requirements.txt | $(TOOLS)
	@echo "Setting up .venv-$* (once)"
	@python3 -m venv .venv-$*
	@.venv-$*/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

# For whoever holds a certificate and nothing else of Lethe: without the local AWS.
.venv-verify/.tools: $(VERIFY)/requirements.txt
	@python3 -m venv .venv-verify
	@.venv-verify/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

.venv-writers/.tools: shared/engine/tests/writers/requirements.txt
	@python3 -m venv .venv-writers
	@.venv-writers/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

# Built from its source, which takes some minutes; `make lint` does without it.
$(DENY):
	@echo "Building cargo-deny (for make audit; once, some minutes)"
	@cargo install --quiet --locked cargo-deny --version $(DENY_VERSION) --no-default-features --root .tools/cargo-deny-$(DENY_VERSION)

$(PAGE): $(WEB_TOOLS) $(PAGE_PARTS)
	@cd functions/console/web && npm run --silent build

%/node_modules/.tools: %/package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || { \
	  echo "Node 20 or newer is missing: see https://nodejs.org" >&2; exit 1; }
	@cd $* && npm ci --silent
	@touch $@
