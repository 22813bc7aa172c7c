# The one entrance for people who work on aTES. Each line prints what it runs.
PYTHON := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help run test bench lint format types imports proof migration schemas docs translations screenshots lock environment

help:  ## this list
	@grep -E '^[a-z ]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

environment:  ## .venv with the tools
	python3 -c "from ates.launch.bootstrap import prepare; prepare('requirements-dev.txt')"

run:  ## everything here, like python3 -m ates run
	python3 -m ates run

test: environment  ## what CI runs, but for the proofs
	$(PYTHON) -m ates.launch.test

proof: environment  ## negative controls and slow faults
	$(PYTHON) -m ates.launch.test -m proof -n 2 --dist loadgroup -q

lint: environment  ## ruff
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

format: environment  ## ruff, mending what it can
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

types: environment  ## mypy, strict
	$(PYTHON) -m mypy

imports: environment  ## the layers of the house
	.venv/bin/lint-imports

bench: environment  ## speed and memory against the bare driver: make bench ARGS="--quick --only drain"
	$(PYTHON) -m bench $(ARGS)

migration: environment  ## draft of a migration: make migration M="what changes"
	python3 -m ates init
	ATES_DATA=$${ATES_DATA:-var} $(PYTHON) -m alembic revision --autogenerate -m "$(M)"

schemas docs: environment  ## generated schemas and pages
	$(PYTHON) -m tests.engines.docs

translations: environment  ## collect new strings, compile the catalogue
	mkdir -p build
	.venv/bin/pybabel extract -F pyproject.toml -k N_ -k said -k word:1c,2 --no-location --sort-output --project aTES -o build/ates.pot ates
	.venv/bin/pybabel update -i build/ates.pot -d ates/translations -l ru --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	.venv/bin/pybabel compile -d ates/translations

screenshots: environment  ## pictures of every role's pages; the README shows some
	$(PYTHON) -m tests.screenshots

lock:  ## pin pyproject's dependencies with hashes
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -q -o requirements.txt
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -c requirements.txt -q -o requirements-dev.txt
