# make demo   measure the bundled clip through the HTTP service and draw the result
# make serve  start the service alone
# make docs   build the documentation into site/
# make test   install what the tests need and run them (a browser, Docker and Ray are not installed: their tests skip)
# make cluster-test      the tests that need Ray, in a virtual environment of their own under build/
# make replicas-test     two replicas behind HAProxy, one killed and one ended under load; on Debian it unpacks HAProxy under build/
# make image-test        prove the service's image (Debian 12, root): build, compose, limits, size; minutes
# make image-test-arm64  the same on an emulated core of a Jetson Nano; the better part of an hour
# make nano-estimate     what a Jetson Nano would do, from instructions counted on that core; half an hour
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock
LOCK_VENV := build/lock-venv
RAY_VENV := build/ray-venv
HAPROXY := build/haproxy
SOURCES := service facepulse training tests demo examples setup.py

unexport PYTHONWARNINGS  # what pip and its helpers warn of is not ours; pytest sets its own filter

.PHONY: demo serve test lint docs format lock clean cluster-test replicas-test image-test image-test-arm64 nano-estimate

demo: $(VENV)/.installed-demo
	$(BIN)/python demo/run.py

serve: $(VENV)/.installed-demo
	$(BIN)/facepulse serve

# Three processes also on two cores, as the tests often wait; with four, live video came too late in some. A file stays in one, with the servers it starts.
test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --cov --cov-report=term:skip-covered

cluster-test: $(RAY_VENV)/.installed
	$(RAY_VENV)/bin/python -m pytest tests/service/test_cluster.py tests/service/test_cluster_ends.py tests/service/cli/test_batch_ray.py

# Where HAProxy is installed these run with all others.
replicas-test: $(VENV)/.installed-dev $(if $(shell command -v haproxy),,$(HAPROXY)/usr/sbin/haproxy)
	PATH="$(CURDIR)/$(HAPROXY)/usr/sbin:$$PATH" LD_LIBRARY_PATH="$$(echo $(CURDIR)/$(HAPROXY)/usr/lib/*-linux-gnu)" \
		$(BIN)/python -m pytest tests/docker/test_replicas.py

# IMAGE_TEST=--keep leaves the engine's build cache for the next time.
image-test: $(VENV)/.installed-demo
	$(BIN)/python -m tests.images amd64 $(IMAGE_TEST)

image-test-arm64: $(VENV)/.installed-demo
	$(BIN)/python -m tests.images arm64 $(IMAGE_TEST)

nano-estimate: $(VENV)/.installed-demo
	$(BIN)/python -m tests.images.nano $(IMAGE_TEST)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

format: $(VENV)/.installed-dev
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

# The lock is made with the oldest Python, so that no version in it is too new for one of the others.
lock:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info[:2] == (3, 11) else "make lock wants PYTHON=python3.11")'
	rm -rf $(LOCK_VENV)
	$(PYTHON) -m venv $(LOCK_VENV)
	$(LOCK_VENV)/bin/python -m pip install --quiet --disable-pip-version-check '.[dev,cluster]'
	$(LOCK_VENV)/bin/python -m pip freeze --exclude facepulse | sed -E 's/\+[a-z0-9.]+$$//' > requirements.lock

clean:
	rm -rf $(VENV) build dist site demo-out *.egg-info .coverage .*_cache

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-demo: pyproject.toml requirements.lock | $(BIN)/python
	@echo "installing the service into $(VENV) ..."
	$(INSTALL) --editable '.[demo]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml requirements.lock | $(BIN)/python
	@echo "installing the service, the training and the tests' tools into $(VENV) ..."
	$(INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/.installed-demo

$(RAY_VENV)/.installed: pyproject.toml requirements.lock
	@echo "installing the service and Ray into $(RAY_VENV) ..."
	$(PYTHON) -m venv $(RAY_VENV)
	$(RAY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock \
		--editable '.[client,cluster]' psutil pytest pytest-timeout
	@touch $@

$(HAPROXY)/usr/sbin/haproxy:
	mkdir -p $(HAPROXY)
	cd $(HAPROXY) && apt-get -qq download haproxy liblua5.3-0 libopentracing-c-wrapper0 libopentracing1
	for package in $(HAPROXY)/*.deb; do dpkg-deb --extract $$package $(HAPROXY); done
