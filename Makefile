# Two commands are enough on a fresh machine: make demo, make test.
.DEFAULT_GOAL := help
.PHONY: help setup demo demo-headless test check fuzz proof clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: ## Install what is missing: system packages, .venv, .venv-tflite
	@scripts/setup

demo: setup ## A deployment on a drawn street: alerts as they come, then the summary (build/demo/)
	@scripts/demo

demo-headless: setup ## The same without a window or pictures in the terminal
	@scripts/demo --headless

test: setup ## Everything CI runs: format, lint, types, layers, tests, both runtimes
	@scripts/test

check: setup ## Format, lint, types and layers only
	@scripts/check

fuzz: setup ## The property tests again, with many more examples each
	@.venv/bin/python -m pytest -m hypothesis --hypothesis-profile=thorough -o timeout=3600

proof: setup ## Long runs outside the tests, over half an hour in all: kills, 200 vans, 10,000 entries, 10,000 photographs
	@mkdir -p build/proof
	@.venv/bin/python -m tests.proof.kill_moments --times 200
	@.venv/bin/python -m tests.proof.vans_in_force --vans 200 --entries 10000 --json build/proof/vans_in_force.json
	@.venv/bin/python -m tests.proof.ten_thousand_entries --json build/proof/ten_thousand_entries.json
	@.venv/bin/python -m tests.proof.build_photographs --photographs 10000 --json build/proof/build_photographs.json

clean: ## Remove what was built here; the environments stay
	@rm -rf build dist .hypothesis .mypy_cache .ruff_cache .pytest_cache
