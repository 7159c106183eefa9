# make demo       train on the demo corpus, or on your own music with MANIFEST=songs.csv
# make listen MUSIC=FOLDER  a library of your own music, and the page to search it; another time it adds what is new
# make pretrained the model that comes with the package, from nothing: hours
# make pretrained-musicnn  the other one, on musicnn's features, after make pretrained: an hour
# make check      lint, format, types, imports, and the tests that are done in seconds
# make lint       the same without the tests
# make quick      those tests alone
# make test       the tests, default stack
# make test-keras3  the tests on current TensorFlow and Keras 3
# make docs       the site, in build/site
#
# Each makes the environment it needs; a second call skips what is done.

PYTHON ?= python3
MANIFEST ?=
MUSIC ?=
LIBRARY ?= music.dmml
NAME := $(if $(MANIFEST),$(basename $(notdir $(MANIFEST))),demo)
DEMO_FLAGS ?=
QUICK := not trains and not spawns and not slow and not browser and not wheel and not notebook

# tensorflow-addons, and with it the design's own stack, exists for Python 3.11 alone.
ADDONS := $(shell $(PYTHON) -c 'import sys; print("addons," if sys.version_info[:2] == (3, 11) else "")')

.PHONY: check clean demo docs lint listen pretrained pretrained-musicnn quick test test-keras3

demo: .venv/installed
	.venv/bin/dmml demo --config demo --data data/$(NAME) --run runs/$(NAME) \
		$(if $(MANIFEST),--manifest $(MANIFEST)) $(DEMO_FLAGS)

listen: .venv/installed
	$(if $(MUSIC)$(wildcard $(LIBRARY)/library.json),,$(error name your folder of music: make listen MUSIC=~/Music))
	.venv/bin/dmml scan $(if $(MUSIC),"$(MUSIC)") --library "$(LIBRARY)"
	.venv/bin/dmml explore --library "$(LIBRARY)"

# Real songs with rendered ones to train on, and by themselves to score and to say what is heard.
pretrained: .venv/installed
	.venv/bin/dmml-records debian_music --out data/debian_music
	.venv/bin/dmml-records pretraining --music data/debian_music --out data/pretraining
	.venv/bin/dmml-records build --manifest data/debian_music/manifest.csv --out data/real \
		--tempo column --loudness=-23 --resume
	.venv/bin/dmml-records build --manifest data/pretraining/manifest.csv --out data/mixed \
		--tempo column --loudness=-23 --resume
	.venv/bin/dmml train --config pretrained --data data/mixed --run runs/body
	.venv/bin/dmml train --config pretrained_tempo --data data/mixed --run runs/tempo
	.venv/bin/dmml heads --body runs/body --tower runs/tempo --data data/mixed --run runs/mixed
	.venv/bin/dmml evaluate --run runs/mixed --data data/real --split valid --baselines
	.venv/bin/dmml heard --run runs/mixed --data data/real
	.venv/bin/dmml pack --run runs/mixed --also heard_as.npz

# Heads on what musicnn hears in the same songs; scored on records that hold their samples, of the same signal chain.
pretrained-musicnn: .venv/installed
	.venv/bin/python -m pip install --quiet --no-deps musicnn
	.venv/bin/dmml heads --data data/real --musicnn data/musicnn.npz --run runs/musicnn
	.venv/bin/dmml-records build --manifest data/debian_music/manifest.csv --out data/samples \
		--tempo column --loudness=-23 --features=log_mel,audio --resume
	.venv/bin/dmml evaluate --run runs/musicnn --data data/samples --split valid
	.venv/bin/dmml pack --run runs/musicnn --out pretrained-musicnn

check: lint quick

lint: .venv/dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

quick: .venv/dev
	.venv/bin/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m '$(QUICK)' $(TEST_FLAGS)

docs: .venv/dev
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

test: .venv/test
	.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(TEST_FLAGS)

test-keras3: .venv-keras3/installed
	.venv-keras3/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(TEST_FLAGS)

.venv/installed: setup.py
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --upgrade pip
	.venv/bin/python -m pip install --quiet --editable '.[$(ADDONS)job]'
	touch $@

.venv/test: .venv/installed
	.venv/bin/python -m pip install --quiet --editable '.[$(ADDONS)test]'
	touch $@

.venv/dev: .venv/test
	.venv/bin/python -m pip install --quiet --editable '.[$(ADDONS)dev]'
	touch $@

.venv-keras3/installed: setup.py
	$(PYTHON) -m venv .venv-keras3
	.venv-keras3/bin/python -m pip install --quiet --upgrade pip
	.venv-keras3/bin/python -m pip install --quiet --editable '.[test]' 'keras>=3' 'tensorflow>=2.21'
	touch $@

clean:
	rm -rf .venv .venv-keras3 data runs build *.egg-info
