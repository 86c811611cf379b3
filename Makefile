PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

PICTURES := docs/pictures

.PHONY: demo docs gallery pictures test coverage soak lint clean

demo: $(READY)  ## evolve the grasshopper tune and draw the result
	$(BIN)/kuznechik evolve grasshopper --plot

pictures: $(READY)  ## make the pictures of README and documentation again
	$(BIN)/python docs/drawings.py
	rm -rf $(PICTURES)/run
	$(BIN)/kuznechik evolve grasshopper --seed 0 --out $(PICTURES)/run --plot
	cp $(PICTURES)/run/plots/fitness.png $(PICTURES)/run/plots/roll.png $(PICTURES)
	rm -rf $(PICTURES)/run

gallery: $(READY)  ## carry out what docs/gallery prints; runs in runs/gallery that are there already are taken
	$(BIN)/python docs/gallery.py

docs: $(VENV)/.docs-ready  ## build the documentation, docs/build/html/index.html; warnings are errors
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -b html docs docs/build/html

# compiled modules are kept, whatever the shell says: the tests start many processes
test: $(READY)  ## run the test suite, on up to 4 cores
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -m "not slow" -n auto --maxprocesses 4 --dist loadfile

coverage: $(READY)  ## run the test suite and say which lines and branches it leaves out
	$(BIN)/coverage run -m pytest -m "not slow"
	$(BIN)/coverage report

soak: $(READY)  ## run the tests that take minutes or hours, and print their figures
	$(BIN)/python -m pytest -m slow -s

lint: $(READY)  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[torch,dev]"
	touch $(READY)

$(VENV)/.docs-ready: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[docs]"
	touch $@

clean:
	rm -rf $(VENV)
