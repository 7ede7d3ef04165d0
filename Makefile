SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# TORCH_INDEX names an index to take torch from first, EXTRAS (set per target) the extras to install.
define install
$(if $(TORCH_INDEX),$(PIP) install --index-url "$(TORCH_INDEX)" torch torchvision)
$(PIP) install --editable ".$(EXTRAS)"
endef

.PHONY: help demo lab classroom pose test slow browser matrix fuzz bench soak public bundle \
    bundle-test relink clean

help:  ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 14
	@echo "Variables: PYTHON=python3.12 picks the interpreter of $(VENV);"
	@echo "TORCH_INDEX=https://download.pytorch.org/whl/cpu gets torch's small CPU build on Linux;"
	@echo "PLATFORM=windows, macos or linux and PYTHON_VERSION=3.12 make a bundle for other machines;"
	@echo "ENV=colab, newest, conda or lowest and LESSONS=00,08 choose what \`make matrix\` runs."

demo: $(VENV)/.installed  ## generate a first video into out/
	$(BIN)/python -m fyp_lite demo

lab: $(VENV)/.installed-lab  ## open the notebooks in JupyterLab
	JUPYTER_CONFIG_PATH=notebooks/classroom/jupyter $(BIN)/jupyter lab notebooks/00_quickstart.ipynb

classroom: $(VENV)/.installed-classroom $(BIN)/configurable-http-proxy  ## a JupyterHub for a room of learners
	$(BIN)/jupyterhub --config notebooks/classroom/jupyterhub_config.py

pose: $(VENV)/.installed-pose  ## read videos of people: LiteRT, and MediaPipe's two networks (36 MB)
	PATH="$(CURDIR)/$(BIN):$$PATH" bash -c "$$($(BIN)/python -c \
	    'from fyp_lite.keypoints.detectors.mediapipe import download_command as c; print(c())')"

test: $(VENV)/.installed-test  ## lint, direction of imports, types, fast tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pytest -m "not slow and not browser and not bundle"

slow: $(VENV)/.installed-test $(BIN)/configurable-http-proxy  ## the slow tests (pytest's exit code 5: there are none)
	$(BIN)/pytest -m slow || [ $$? -eq 5 ]

browser: $(VENV)/.installed-test $(VENV)-classic/.installed  ## drive the notebooks in a real browser
	scripts/system_packages.sh Chromium 'command -v chromium chromium-browser google-chrome' chromium
	FYP_LITE_CLASSIC=$(CURDIR)/$(VENV)-classic/bin/python $(BIN)/pytest -m browser

matrix: $(VENV)/.installed-test  ## the lessons in the environments that users have; ENV=colab for one
	$(BIN)/python tests/environments/run.py $(ENV) $(if $(LESSONS),--lessons "$(LESSONS)")

# SEED decides every case and every moment of a kill, so that a failure can be had again.
fuzz: SEED := $(or $(SEED),$(shell date +%s))
fuzz: $(VENV)/.installed-test  ## thousands of hostile inputs, a hundred kills; SEED=N repeats a run
	@echo "SEED=$(SEED)"
	FYP_LITE_FUZZ=$(SEED) $(BIN)/pytest tests/fuzz tests/kill --hypothesis-seed=$(SEED)

bench: $(VENV)/.installed  ## measure time and memory on this machine
	$(BIN)/python benchmarks/bench.py

soak: $(VENV)/.installed-lab  ## long sessions in one kernel, and large clips: does memory grow?
	$(BIN)/python benchmarks/soak.py

public: $(VENV)/.installed-lab  ## serve the playground to visitors: fyp-lite serve --help
	$(BIN)/fyp-lite serve

bundle: $(VENV)/.installed  ## a folder for a stick, out/bundle: all that a machine without a network needs
	$(if $(PLATFORM),$(PIP) install "uv>=0.8")
	$(BIN)/python scripts/make_bundle.py --platform "$(PLATFORM)" \
	    --python-version "$(PYTHON_VERSION)" --torch-index "$(TORCH_INDEX)"

# Makes the bundle, installs from it where there is no network, and makes a video there. It takes
# long and 12 GB of disk, so it is no part of the slow tests.
bundle-test: $(VENV)/.installed-test bundle
	$(BIN)/pytest -m bundle

relink:  ## point every link at URL=https://github.com/OWNER/NAME
	@$(PYTHON) scripts/relink.py "$(URL)"

clean:  ## remove outputs, builds and caches (.venv stays)
	rm -rf out build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -path "./$(VENV)*" -prune -o -name __pycache__ -prune -exec rm -rf {} +

# pip is the last thing that venv puts in place, so an interrupted attempt is repeated.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo \
	    "fyp_lite needs Python 3.10 or newer, $(PYTHON) is older: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo \
	    "$(PYTHON) cannot create environments: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/pip
	$(install)
	touch $@

$(VENV)/.installed-lab: EXTRAS := [lab]
$(VENV)/.installed-lab: pyproject.toml | $(BIN)/pip
	$(install)
	touch $@

$(VENV)/.installed-classroom: EXTRAS := [classroom]
$(VENV)/.installed-classroom: pyproject.toml | $(BIN)/pip
	$(install)
	touch $@

$(BIN)/configurable-http-proxy: | $(BIN)/pip
	scripts/system_packages.sh "Node.js 20, for JupyterHub's proxy," 'npm --version && node --eval \
	    "if (parseInt(process.versions.node) < 20) throw process.version"' nodejs npm
	npm install --silent --global --prefix $(VENV) configurable-http-proxy@5

$(VENV)/.installed-pose: EXTRAS := [pose]
$(VENV)/.installed-pose: pyproject.toml | $(BIN)/pip
	$(install)
	touch $@

$(VENV)/.installed-test: EXTRAS := [classroom,lab,pose,sweep,test,train]
$(VENV)/.installed-test: pyproject.toml | $(BIN)/pip
	$(install)
	scripts/system_packages.sh skia-python '$(BIN)/python -c "import skia"' libegl1 libgl1
	touch $@

# The front end of Colab: its old widgets and kernel go before what the main environment has.
$(VENV)-classic/.installed: $(VENV)/.installed-test
	$(BIN)/python -m venv $(VENV)-classic
	$(VENV)-classic/bin/python -m pip --disable-pip-version-check install \
	    "notebook==6.5.*" ipywidgets==7.7.1 ipykernel==6.17.1 ipython==7.34.0 anywidget==0.9.21
	$(VENV)-classic/bin/python -c 'import sysconfig; own = sysconfig.get_path("purelib"); \
	    main = own.replace("$(VENV)-classic", "$(VENV)"); \
	    open(own + "/main.pth", "w").write(f"import site; site.addsitedir({main!r})")'
	touch $@
