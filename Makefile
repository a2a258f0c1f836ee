# make demo and make test do all their own set-up; see README.md.
SHELL := /bin/bash
PY := .venv/bin/python
# The distribution's own where it serves: it is built with profile-guided optimisation, others often are not.
BASE_PYTHON ?= $(shell for it in /usr/bin/python3 python3; do \
    $$it -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$it; exit; }; done; echo python3)
STAMP := .venv/.installed-$(shell cat requirements-dev.lock pyproject.toml | cksum | cut -d' ' -f1)

.PHONY: demo test check run bench fuzz lock debian screenshots

$(STAMP):
	@$(BASE_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed"; exit 2; }
	@$(BASE_PYTHON) -c 'import venv, ensurepip' 2>/dev/null || deploy/debian-packages python3-venv
	@test -x $(PY) || $(BASE_PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --require-hashes -r requirements-dev.lock
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation -e .
	@rm -f .venv/.installed-*; touch $@

demo: $(STAMP)
	@.venv/bin/sendright demo $(if $(ONCE),--once)

run: $(STAMP)
	@test -e state/dkim/shop.example.com.s1.pem || .venv/bin/sendright dkim new shop.example.com s1 --config config/gateway.toml
	.venv/bin/sendright serve --config config/gateway.toml

debian:
	@deploy/debian-packages postfix opendkim opendkim-tools swaks libnet-ssleay-perl msmtp curl gpg gpg-agent openssl chromium fonts-dejavu-core libatomic1 \
	    $(shell command -v npm >/dev/null || echo nodejs npm)

# Files are shared out to the cores, and a test that ends its process ends the run; with ARGS it is as they say.
test: $(STAMP) debian tests/clients/node_modules/.package-lock.json
	$(PY) -m pytest $(or $(ARGS),--numprocesses auto --maxprocesses 4 --max-worker-restart 0 --dist loadfile)

tests/clients/node_modules/.package-lock.json: tests/clients/package-lock.json
	@cd tests/clients && npm ci --no-audit --no-fund --silent
	@touch $@

screenshots: $(STAMP) debian
	@deploy/debian-packages pngquant
	@mkdir -p docs/images
	$(PY) -m tests.browser.pictures docs/images
	pngquant --force --ext .png --speed 1 --strip 64 docs/images/*.png

check: $(STAMP)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

bench: $(STAMP) debian tests/bench/haraka/node_modules/.package-lock.json
	$(PY) -m tests.bench $(PARTS)

tests/bench/haraka/node_modules/.package-lock.json: tests/bench/haraka/package-lock.json
	@cd tests/bench/haraka && npm ci --no-audit --no-fund --silent --ignore-scripts
	@touch $@

# SECONDS is bash's own variable; FOR is how long, in seconds.
fuzz: $(STAMP)
	@$(PY) -m pip install --quiet --no-deps --require-hashes -r tests/fuzz/requirements.txt
	nice -n 10 $(PY) -m tests.fuzz -max_total_time=$(or $(FOR),600)

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --group dev pyproject.toml -o requirements-dev.lock
