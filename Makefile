# `make run`: from nothing to the chambers of one generated heart. `make test`: lint and all tests.
# `make bundle`: the archive for MONAI's model zoo.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXAMPLE := example

.PHONY: run test bundle clean

run: $(VENV)/ready $(EXAMPLE)/images/patient_000001.nii.gz
	$(BIN)/python -m monai.bundle run inference --config_file bundle/configs/inference.json \
		--dataset_dir $(EXAMPLE)/images
	$(BIN)/python -m custom compare $(EXAMPLE)/images $(EXAMPLE)/labels

test: $(VENV)/ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/python -m pytest -q

bundle:
	$(PYTHON) tools/bundle_zip.py

# torch comes first and by itself: where a CPU build of this version is on offer, pip takes it
$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet --editable ".[test]"
	touch $@

$(EXAMPLE)/images/patient_000001.nii.gz: | $(VENV)/ready
	$(BIN)/python -m custom synthesize $(EXAMPLE) --first_seed 1 --count 1

clean:
	rm -rf $(VENV) $(EXAMPLE) dist
