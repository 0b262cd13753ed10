# Everything sets itself up: Python 3.11 or newer and make are all that is needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PREFIX ?= $(HOME)/.local/share/xerotui-env
MARKER := .xerotui-env
PLUGINS := plugins/halo plugins/nethelpdesk

.PHONY: demo test soak check bench install uninstall clean

$(READY): pyproject.toml $(PLUGINS:%=%/pyproject.toml) constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "XeroTUI needs Python 3.11 or newer; set PYTHON=")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt -e '.[dev]' $(PLUGINS:%=-e %)
	touch $(READY)

demo: $(READY)
	$(BIN)/xerotui demo

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

test: check
	$(BIN)/python -m pytest -n 3 --dist loadgroup -q

# What takes longer than a test may: thousands of documents, renewals and faults.
soak: $(READY)
	$(BIN)/python -m pytest -q -m soak

# The official SDK is measured beside our client; nothing but the benchmarks and one contract test uses it.
bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt -e '.[bench]'
	for b in benchmarks/bench_*.py; do $(BIN)/python $$b || exit 1; done

# An environment of its own, outside the clone; run again to upgrade, `make uninstall` to remove.
install:
	@test -n "$(PREFIX)" || { echo "PREFIX is blank"; exit 1; }
	@test ! -e "$(PREFIX)" -o -e "$(PREFIX)/$(MARKER)" || test -d "$(PREFIX)" -a -z "$$(ls -A "$(PREFIX)")" \
		|| { echo "$(PREFIX) holds other things: choose another PREFIX"; exit 1; }
	mkdir -p "$(PREFIX)" && touch "$(PREFIX)/$(MARKER)"
	$(PYTHON) -m venv "$(PREFIX)"
	"$(PREFIX)/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade --constraint constraints.txt . $(PLUGINS:%=./%) \
		$(if $(DRIVERS),"./plugins/nethelpdesk[$(DRIVERS)]")
	mkdir -p "$(HOME)/.local/bin" && ln -sf "$(PREFIX)/bin/xerotui" "$(HOME)/.local/bin/xerotui"
	@echo "installed: $(HOME)/.local/bin/xerotui"

# Removes only what `make install` made; the workspace stays.
uninstall:
	@test -e "$(PREFIX)/$(MARKER)" || { echo "$(PREFIX) was not made by make install: nothing removed"; exit 1; }
	rm -rf -- "$(PREFIX)"
	@if [ "$$(readlink "$(HOME)/.local/bin/xerotui")" = "$(PREFIX)/bin/xerotui" ]; then rm -f -- "$(HOME)/.local/bin/xerotui"; fi

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
