# Everything that is done with this repository. `make` alone lists it; every target sets up what it needs first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
STAMP := $(VENV)/.stamp
LOCK := uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
        --custom-compile-command "make lock" --quiet

# The tools that look at the project from outside have an environment of their own, so that ours does not grow by theirs.
AUDIT := .venv-audit
AUDIT_STAMP := $(AUDIT)/.stamp
FUZZ := .venv-fuzz
FUZZ_STAMP := $(FUZZ)/.stamp

.DEFAULT_GOAL := help
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*##.*/\1/p' $(MAKEFILE_LIST))

help:  ## Say what can be done here
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

setup: $(STAMP)  ## Make the environment in .venv, from the lock file alone

demo: $(STAMP)  ## Watch one whole sale, from the data to the verified log
	$(BIN)/yaosu demo

test: $(STAMP)  ## Run every test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

again: $(STAMP)  ## Ask once more, alone, the few tests that failed last
	$(BIN)/python -m pytest -n 1 --dist loadgroup -p tests.support.again --last-failed --last-failed-no-failures none

test-both: $(STAMP)  ## Run every test on both databases, also those in which the database decides nothing
	YAOSU_DATABASES=both $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

run: $(STAMP)  ## Open the market on http://127.0.0.1:8000
	$(BIN)/yaosu serve

check: format-check lint types drift deploy-check audit-quick test  ## Everything that has to hold before a change is offered

quick: $(STAMP)  ## Run the tests of rules and kernel that need no database and no server
	$(BIN)/python -m pytest -q -p tests.support.quick

replay: $(STAMP)  ## Replay 100,000 generated auctions in each of three processes with different hash seeds
	REPLAYS=100000 $(BIN)/python -m pytest -q -s tests/process/test_replays.py

faults: $(STAMP)  ## Try every fault of every kind at every door of the market
	YAOSU_FAULTS=all $(BIN)/python -m pytest -q -n auto --dist loadgroup tests/journeys/test_bad_input.py

SEEDS ?= 1000
FIRST ?= 0
simulate: $(STAMP)  ## Run the whole market in simulated time, with much going wrong: make simulate SEEDS=1000 FIRST=0 PROCESSES=2
	PYTHONPATH=. $(BIN)/python -m tests.simulator.run --seeds $(SEEDS) --first $(FIRST) $(if $(PROCESSES),--processes $(PROCESSES))

crash: $(STAMP)  ## Kill a market at every named point and at random, and miss nothing acknowledged: make crash KILLS=1000
	YAOSU_KILLS=$(or $(KILLS),100) $(BIN)/python -m pytest -q -s tests/crash

sequencer-kills: $(STAMP)  ## Kill the log's one writer at every statement and at random: make sequencer-kills KILLS=1000
	YAOSU_KILLS=$(or $(KILLS),200) $(BIN)/python -m pytest -q -s tests/crash/test_sequencer.py

flips: $(STAMP)  ## Change every single byte of a log of 1 MB and of a dispute's file, and see that neither is ever called verified
	YAOSU_FLIPS=all $(BIN)/python -m pytest -q -s tests/verifier/test_every_byte.py tests/verifier/test_forged_dispute_file.py

outages: $(STAMP)  ## Take away the database, the network, the disk and the time, and see who says what meanwhile
	YAOSU_OUTAGES=1 $(BIN)/python -m pytest -q tests/outages

soak: $(STAMP)  ## Let a market work under kills, and watch memory, handles and goodput: make soak MINUTES=60 ON=postgresql
	PYTHONPATH=. $(BIN)/python -m tests.crash.soak --minutes $(or $(MINUTES),10) --on $(or $(ON),sqlite)

races: $(STAMP)  ## Let fifty buyers race for one exclusive right, a thousand times on each kind of database
	YAOSU_RACES=1000 YAOSU_RACERS=50 $(BIN)/python -m pytest -q tests/trading/money/test_races.py -k exclusive_right

parties: $(STAMP)  ## Let ten parties deal and quarrel for thousands of steps, and compare log, ledger and custodian: make parties STEPS=2500 RUNS=4 FIRST=100
	YAOSU_STEPS=$(or $(STEPS),2500) YAOSU_SEEDS=$(or $(RUNS),4) YAOSU_FIRST=$(FIRST) $(BIN)/python -m pytest -q -s tests/trading/money/test_ten_parties.py

closing-races: $(STAMP)  ## Let a bid and the end of its auction race, on each kind of database: make closing-races RACES=10000
	YAOSU_DATABASES=both YAOSU_RACES=$(or $(RACES),10000) $(BIN)/python -m pytest -q -s tests/trading/test_race.py

drill: $(STAMP)  ## Lose a market of its own and get it back, with nothing but an operator's commands
	YAOSU_DRILL=1 $(BIN)/python -m pytest -q -s tests/process/test_drill.py

sensitivity: $(STAMP)  ## Plant known bugs one at a time in a copy, and see that a suite notices each: make sensitivity BUGS="P-01 P-07"
	PYTHONPATH=. $(BIN)/python -m tests.sensitivity $(BUGS)

bench: $(STAMP)  ## Measure beside what one would otherwise pick, and draw it (about half an hour): make bench PARTS="search"
	PYTHONPATH=. $(BIN)/python -m bench $(PARTS)

bench-short: $(STAMP)  ## Try whether every part of the bench runs, in a few minutes, and keep nothing: make bench-short PARTS="start"
	PYTHONPATH=. $(BIN)/python -m bench --short $(PARTS)

format-check: $(STAMP)
	$(BIN)/ruff format --check .

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/deptry .

types: $(STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pyright

drift: $(STAMP)  ## Do the migrations leave the tables that the code has?
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && YAOSU_VAR="$$folder" $(BIN)/yaosu migrate

deploy-check: $(STAMP)  ## Are the container files right, as far as that shows without a container engine?
	$(BIN)/hadolint Dockerfile deploy/nginx.Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml deploy/trial.yml
	$(BIN)/compose-lint check docker-compose.yml deploy/trial.yml
	$(BIN)/python -m pytest -q tests/deploy

compose-env: $(STAMP)  ## Draw fresh settings and secrets for a trial of docker-compose.yml into .env, if there are none yet
	$(BIN)/python deploy/make-env .env

trial: $(STAMP)  ## Tell one whole sale to the containers that are up, through the door: make trial TRIAL_OPTIONS="--kill trading"
	PYTHONPATH=. $(BIN)/python -m services.demo.trial $(TRIAL_OPTIONS)

audit-quick: $(STAMP) $(AUDIT_STAMP)  ## Look for dangerous code and for secrets, after trying whether planted ones are found
	$(BIN)/python -m supply.check $(AUDIT)/bin

audit: audit-quick  ## … and for known vulnerabilities of what is locked (AUDIT_OPTIONS=--must-reach before a release)
	$(BIN)/python -m supply.vulnerabilities $(AUDIT)/bin $(AUDIT_OPTIONS)

sbom: $(STAMP) $(AUDIT_STAMP)  ## Write the bill of materials (CycloneDX) of what runs in production to var/sbom.cdx.json
	$(BIN)/python -m supply.bill $(AUDIT)/bin var/sbom.cdx.json

fuzz: $(STAMP) $(FUZZ_STAMP)  ## Let schemathesis ask a market everything, as two organisations: make fuzz FUZZ_OPTIONS="--max-examples 300"
	PYTHONPATH=. $(BIN)/python -m supply.fuzz $(FUZZ)/bin $(FUZZ_OPTIONS)

migration: $(STAMP)  ## Write a service's next revision: make migration SERVICE=trading MESSAGE="…"
	$(BIN)/python -m migrations $(SERVICE) "$(MESSAGE)"
	$(BIN)/ruff format --quiet migrations

diagrams: $(STAMP)  ## Write what the code says: its lifecycles into ARCHITECTURE.md, its facts into docs/facts.md
	PYTHONPATH=. $(BIN)/python docs/diagrams.py
	PYTHONPATH=. $(BIN)/python docs/permissions.py
	PYTHONPATH=. $(BIN)/python docs/facts.py

format: $(STAMP)  ## Put the code into its one format, imports too
	$(BIN)/ruff check --select I --fix .
	$(BIN)/ruff format .

lock:  ## Write the lock files anew from pyproject.toml (needs uv)
	$(LOCK) --all-extras --output-file requirements.lock
	$(LOCK) --output-file deploy/requirements.lock
	$(subst pyproject.toml,--group pyproject.toml:audit,$(LOCK)) --no-strip-extras --output-file supply/requirements.lock
	$(subst pyproject.toml,--group pyproject.toml:fuzz,$(LOCK)) --no-strip-extras --output-file supply/fuzz.lock

clean:  ## Remove what was made here: the environment, caches, and the data of development in var/
	rm -rf $(VENV) $(AUDIT) $(FUZZ) var build .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The project itself is installed editable, without asking any index: all that it needs is in the lock file.
$(STAMP): requirements.lock pyproject.toml
	@if command -v uv >/dev/null; then \
		uv venv --quiet --allow-existing --python '>=3.11' $(VENV) && \
		uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
	else \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
			echo "Yaosu needs Python 3.11 or newer, and \`$(PYTHON)\` is: $$($(PYTHON) --version 2>/dev/null || echo not there)."; \
			echo "Install one (Debian, Ubuntu: python3 and python3-venv; macOS: from python.org or Homebrew),"; \
			echo "then name it: make setup PYTHON=python3.12. Or install uv, which is used where it is found."; \
			exit 1; } >&2; \
		$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
			echo "This Python cannot make environments. Debian, Ubuntu: apt install python3-venv" >&2; exit 1; }; \
		$(PYTHON) -m venv $(VENV) && \
		$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock && \
		$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	fi
	@touch $(STAMP)

$(AUDIT_STAMP): supply/requirements.lock
$(FUZZ_STAMP): supply/fuzz.lock
$(AUDIT_STAMP) $(FUZZ_STAMP): %/.stamp:
	@if command -v uv >/dev/null; then \
		uv venv --quiet --allow-existing --python '>=3.11' $* && \
		uv pip sync --quiet --python $*/bin/python --require-hashes $<; \
	else \
		$(PYTHON) -m venv $* && \
		$*/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement $<; \
	fi
	@touch $@
