# make demo         build, import two months of flights, start four queries, open the shell
# make test         unit tests, golden scripts, conformance cases
# make test-superset  Apache Superset as a client: brings it (800 MB), then a minute of test
# make superset-picture  docs/superset.png anew, from a browser without a screen
# make simulate     SEEDS=<seed, or first..end>: random programs on machines that crash
# make conformance  CASES=<folder or file> JSON=<output file> [ARGS=--failures]
# make lint         formatting and clippy; warnings are errors
# make bench        benchmarks, compared with the last ones on this machine  [ACCEPT=1: losses are right]
# make bench-growth more partitions, keys, queries …, as a table and a plot  [ARGS='--only keys --percent 10']
# make bench-nexmark  Nexmark's queries, compared with Flink and DuckDB where they are  [ARGS=--events 10000000]
# make bench-postgres  lookups and push queries of the server, beside PostgreSQL where it is  [ARGS=--rounds 5]
# make clean        forget what is in the demo's data directory
#
# One profile and always the whole workspace, so that the dependencies are compiled once: a part of
# it may ask for other features of them.

CARGO := scripts/cargo
DEMO_DATA ?= millstream-data
export MILLSTREAM_CACHE ?= $(HOME)/.cache/millstream
export CARGO_TARGET_DIR ?= $(MILLSTREAM_CACHE)/target
BIN := $(CARGO_TARGET_DIR)/debug
MILLSTREAM := $(BIN)/millstream --data $(DEMO_DATA)

.PHONY: demo test test-superset superset-picture simulate conformance lint bench bench-growth bench-nexmark bench-postgres clean

demo:
	@$(CARGO) build --workspace --bins
	@$(MILLSTREAM) import demo/data/flights.csv.gz --topic flights --timestamp sched_dep_ms --once
	@$(MILLSTREAM) import demo/data/airlines.csv --topic airlines --key carrier --timestamp since_ms --once
	@$(MILLSTREAM) --echo --interactive --file demo/flights.sql

# Examples in documentation first, so that the last summary is that of the tests.
test:
	@scripts/setup-clients
	$(CARGO) test --workspace --doc --quiet
	$(CARGO) test --workspace --lib --bins --tests

test-superset:
	@scripts/setup-superset
	SUPERSET=1 $(CARGO) test --workspace --test pg_superset

superset-picture:
	@scripts/setup-superset --browser
	SUPERSET=1 SUPERSET_PICTURE=$(CURDIR)/docs/superset.png $(CARGO) test --workspace --test pg_superset

simulate:
	$(if $(SEEDS),SEEDS=$(SEEDS)) $(CARGO) test --workspace --test simulator -- --nocapture

conformance:
	@$(CARGO) build --quiet --workspace --bins
	@$(BIN)/conformance $(CASES) $(if $(JSON),--json $(JSON)) $(ARGS)

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

bench:
	@$(CARGO) build --quiet --workspace --bins
	@$(BIN)/figures $(MILLSTREAM_CACHE)/bench $(if $(ACCEPT),--accept) -- \
		$(CARGO) bench --workspace --bench '*' --profile dev

bench-growth:
	@$(CARGO) build --quiet --workspace --bins
	@$(BIN)/growth --work $(MILLSTREAM_CACHE)/growth $(ARGS)

bench-nexmark:
	@$(CARGO) build --quiet --workspace --bins
	@$(BIN)/nexmark --work $(MILLSTREAM_CACHE)/nexmark $(ARGS)

bench-postgres:
	@$(CARGO) build --quiet --workspace --bins
	@$(BIN)/postgres $(ARGS)

clean:
	rm -rf $(DEMO_DATA)
