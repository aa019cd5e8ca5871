.PHONY: demo test lint types contracts tests bench lock golden clean

SYSTEM := nginx-light nftables iproute2
# What only tests and benches need; CI installs it, so that CI skips nothing.
SYSTEM_TESTS := chromium wrk
BIN := .venv/bin

demo: .venv/.runtime
	@scripts/system-packages.sh $(SYSTEM)
	@$(BIN)/rollout-harness demo --out reports/demo; code=$$?; \
	 test $$code -eq 0 || echo "make: the demo ended with exit code $$code"; exit $$code

test: lint types contracts tests

lint: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/.dev
	$(BIN)/mypy

contracts: .venv/.dev
	$(BIN)/lint-imports --no-cache

tests: .venv/.dev
	@scripts/system-packages.sh $(SYSTEM) $(if $(CI),$(SYSTEM_TESTS))
	$(BIN)/pytest -q -n 2 --dist loadfile tests/unit tests/browser $(if $(CI),--no-skips) $(PYTEST_ARGS)
	$(BIN)/pytest -q -n 4 --dist loadfile tests/sandbox tests/e2e $(if $(CI),--no-skips) $(PYTEST_ARGS)

bench: .venv/.dev
	@scripts/system-packages.sh $(SYSTEM) $(SYSTEM_TESTS)
	@for bench in bench/*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

golden: .venv/.dev
	$(BIN)/pytest tests/unit/reporters tests/unit/analysis/test_snapshots.py --update-golden

lock: .venv/.dev
	$(BIN)/pip-compile -q --strip-extras --no-header --allow-unsafe --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --upgrade -o requirements/runtime.txt pyproject.toml
	$(BIN)/pip-compile -q --strip-extras --no-header --allow-unsafe --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --upgrade -o requirements/dev.txt requirements/dev.in

clean:
	rm -rf .venv reports/demo

.venv/.runtime: pyproject.toml requirements/runtime.txt scripts/venv.sh
	@scripts/venv.sh runtime
	@touch $@

.venv/.dev: pyproject.toml requirements/runtime.txt requirements/dev.txt scripts/venv.sh
	@scripts/venv.sh dev
	@touch $@ .venv/.runtime
