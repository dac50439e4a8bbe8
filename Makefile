SHELL := bash
.SHELLFLAGS := -euo pipefail -c
# Each recipe is one script.
.ONESHELL:
.DEFAULT_GOAL := help
export HOME ?= $(shell getent passwd "$$(id -u)" | cut -d: -f6)

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: test
test: lint tls deny ## all that CI runs: format, lints, dependencies, every test
	@if ! variables="$$(tests/environment)"; then
	  if [ "$${CI:-false}" != false ]; then exit 1; fi
	  echo "make test: tests that need the programs above will skip" >&2
	  variables=""
	fi
	eval "$$variables"
	cargo test --locked

.PHONY: e2e
e2e: ## the stories, on a cluster brought up for them (or on that of KUBECONFIG): see tests/e2e/README.md
	@tests/e2e/run

.PHONY: e2e-figures
e2e-figures: ## measure on such a cluster: propagation, cold start, rest, ten thousand objects
	@LEADFLOW_E2E_OBJECTS=10000 tests/e2e/run -- figures:: rest:: --include-ignored --nocapture --test-threads=1

.PHONY: environment
environment: ## install or build the servers that tests talk to, and print where they are
	@tests/environment

.PHONY: lint
lint: ## format and lints
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings

# cargo says that nothing matches, or that there is nothing to print; anything else is a fault.
.PHONY: tls
tls: ## there is one crypto library in the program, and it is not ring
	@found="$$(cargo tree --locked --invert ring 2>&1 || true)"
	if ! grep -q -e 'did not match any packages' -e 'nothing to print' <<< "$$found"; then
	  echo "$$found" >&2
	  exit 1
	fi

# Kept with the other built programs, outside the tree. Building it takes minutes, so that only CI does it unasked.
DENY := 0.20.2
.PHONY: deny
deny: ## licences, banned crates and sources, by cargo-deny (CI installs it)
	@folder="$${LEADFLOW_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/leadflow}/cargo-deny-$(DENY)"
	program="$$folder/bin/cargo-deny"
	if [ ! -x "$$program" ]; then
	  if [ "$${CI:-false}" = false ]; then
	    echo "skipped: cargo-deny is not there (cargo install --locked --root $$folder cargo-deny@$(DENY))" >&2
	    exit 0
	  fi
	  cargo install --locked --quiet --root "$$folder" "cargo-deny@$(DENY)"
	fi
	"$$program" --locked check bans licenses sources

.PHONY: rules
rules: ## check the Prometheus rules, and run their tests
	@promtool="$${LEADFLOW_TEST_PROMTOOL:-$$(command -v promtool || true)}"
	if [ -z "$$promtool" ]; then
	  echo "make rules: no promtool; Debian has it in the package prometheus" >&2
	  exit 1
	fi
	"$$promtool" check rules charts/leadflow/files/rules/*.yaml
	"$$promtool" test rules tests/rules/*.yaml

.PHONY: crds
crds: ## write the custom resource definitions to crds/
	cargo run --locked --quiet -- crds --out crds

.PHONY: manifests
manifests: ## render config/ and what tests compare with from the chart (needs helm)
	@variables="$$(tests/environment)"
	eval "$$variables"
	charts/render
	UPDATE_DOCS=1 cargo test --locked --quiet --test it -- values:: > /dev/null

.PHONY: chart-test
chart-test: ## the chart alone: rendered output, values, rights, notes (a part of test)
	@variables="$$(tests/environment)"
	eval "$$variables"
	cargo test --locked --test it -- values::
	cargo test --locked --test api -- chart:: gitops::

.PHONY: bench
bench: ## measure
	@variables="$$(tests/environment)"
	eval "$$variables"
	cargo bench --locked
