# The commands of Ferric. Each installs its prerequisites first; see README.md.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The lab makes network namespaces, taps and bridges; its programs therefore run as root.
SUDO := $(if $(filter 0,$(shell id -u)),,sudo --preserve-env=CI,IPA_KERNEL,IPA_RAMDISK,IPA_MEMORY,IPA_RECORD)
NODE := $(CURDIR)/node_modules/.bin/node
INSTALL := scripts/install-dependencies.sh

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

# Packages from npm, installed again only when the lock file changed. A node_modules that is a symbolic link is left
# alone.
node_modules/.ferric-installed: package-lock.json package.json .npmrc scripts/link-runtime.sh scripts/install-packages.sh
	@if [ -L node_modules ]; then \
	  echo 'node_modules is a link: left as it is'; \
	else \
	  $(INSTALL) build && scripts/install-packages.sh && touch $@; \
	fi

.PHONY: build
build: node_modules/.ferric-installed ## compile into dist/ (incremental)
	npm run --silent build

.PHONY: demo
demo: build ## deploy a real image onto a virtual bare machine, and show it
	$(INSTALL) runtime lab client
	$(SUDO) $(NODE) dist/demo/main.js $(ARGS)

.PHONY: check
check: node_modules/.ferric-installed ## types, lint, format, rooms, unused code, generated docs, unit tests
	npm run --silent check

.PHONY: test
test: build ## every check and every test, virtual machines included
	$(INSTALL) runtime lab test peer
	$(SUDO) $(NODE) dist/scripts/run-tests.js $(ARGS)

.PHONY: test-interop
test-interop: build ## whole deployments with one half Debian's Ironic: its conductor, or its agent
	$(INSTALL) runtime lab test peer interop
	$(SUDO) $(NODE) dist/scripts/run-tests.js --skip-checks --tier interop $(ARGS)

.PHONY: test-images
test-images: build ## images that take long: disk-image-builder, libguestfs, the eleven steps; each booted to its login
	$(INSTALL) runtime lab test images
	$(SUDO) $(NODE) dist/scripts/run-tests.js --skip-checks --tier images $(ARGS)

.PHONY: bench
bench: build ## the benchmark tables, beside their references
	$(INSTALL) runtime lab test peer bench
	$(SUDO) $(NODE) dist/scripts/run-benches.js $(ARGS)

.PHONY: docs
docs: node_modules/.ferric-installed ## write the generated pages and config/default.yaml anew
	npm run --silent docs:generate

.PHONY: clean
clean: ## remove what was built (keeps node_modules and the lab's cached images)
	$(SUDO) rm -rf dist coverage var

.PHONY: clean-all
clean-all: clean ## remove everything that is not in the repository, the lab's cache included
	$(SUDO) rm -rf .lab
	if [ ! -L node_modules ]; then rm -rf node_modules; fi
