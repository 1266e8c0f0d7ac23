# `make run`: from nothing to the chambers of one generated heart. `make test`: lint and all tests.
# `make test-long`: the tests that take a minute or more each, about a quarter of an hour.
# `make test-browser`: the page in headless Chromium; needs the programs of Debian's chromium and chromium-driver.
# `make test-simulation`: the volume meshes, with the libraries of the extra `simulation`; half a minute.
# `make bundle`: the archive for MONAI's model zoo.
# `make test-node`: the PACS node with Orthanc and dcmtk on the loopback, half an hour; needs Debian's `orthanc`,
# `orthanc-dicomweb` and `dcmtk`.
# `make papers`: all tests, the long ones too, then what a hospital's IT or a manufacturer asks for, in dist/papers.
# `make sbom`: the node's environment anew, its pins and its bill of materials.
# `make sums`, `make sign KEY=...`: checksums of dist/, and their signature.
# `make mutants`: what the tests let pass when the code is changed, hours; it goes on where it was left.
# `make test-label`, `make test-deploy`: that archive in MONAI Label and MONAI Deploy, each in an environment of its own.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXAMPLE := example
LABEL := .venvs/label
DEPLOY := .venvs/deploy
NODE := .venvs/node
PAPERS := .venvs/papers

.PHONY: run test test-long test-browser test-simulation bundle mutants label-env test-label deploy-env test-deploy \
	node-env test-node papers sbom sums sign clean

run: $(VENV)/ready $(EXAMPLE)/images/patient_000001.nii.gz
	$(BIN)/python -m monai.bundle run inference --config_file bundle/configs/inference.json \
		--dataset_dir $(EXAMPLE)/images
	$(BIN)/python -m custom compare $(EXAMPLE)/images $(EXAMPLE)/labels

test: $(VENV)/ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

test-long: $(VENV)/ready
	$(BIN)/python -m pytest -q -m long

test-browser: $(VENV)/ready
	$(BIN)/python -m pytest -q -m long tests/viewer

test-simulation: $(VENV)/ready
	$(BIN)/pip install --quiet --editable ".[simulation]"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/simulation

mutants: $(VENV)/ready
	$(BIN)/pip install --quiet --editable ".[mutants]"
	OMP_NUM_THREADS=1 nice $(BIN)/python tools/mutants.py run
	$(BIN)/python tools/mutants.py table

node-env: $(NODE)/ready

test-node: $(VENV)/ready
	@for program in Orthanc storescu storescp openssl; do command -v $$program > /dev/null || { \
		echo "make test-node: $$program is missing: apt-get install orthanc orthanc-dicomweb dcmtk openssl"; exit 2; }; done
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -s -m long tests/apps/test_node.py --junitxml dist/test-node.xml

papers: $(VENV)/ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --junitxml dist/test.xml
	$(BIN)/python -m pytest -q -m long --ignore tests/apps --junitxml dist/test-long.xml
	$(BIN)/python -m tools.papers dist/papers --junit dist/test*.xml

sbom:
	rm -rf $(NODE) $(PAPERS)
	$(PYTHON) -m venv $(NODE)
	$(NODE)/bin/pip install --quiet torch==2.13.0
	$(NODE)/bin/pip install --quiet ".[node]"
	$(NODE)/bin/pip freeze --exclude cardiac-chamber-meshes | sed 's/+cpu//' > deploy/node/requirements.txt
	$(PYTHON) -m venv $(PAPERS)
	$(PAPERS)/bin/pip install --quiet cyclonedx-bom==7.5.0
	$(PAPERS)/bin/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml --sv 1.6 --of JSON \
		-o deploy/papers/sbom.json $(NODE)/bin/python

sums:
	cd dist && sha256sum *.zip papers/* > SHA256SUMS

sign: sums
	ssh-keygen -Y sign -f $(KEY) -n file dist/SHA256SUMS

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

label-env: $(LABEL)/ready

test-label: $(LABEL)/ready
	$(LABEL)/bin/python -m pytest -q tests/apps/test_monai_label_server.py

deploy-env: $(DEPLOY)/ready

test-deploy: $(DEPLOY)/ready
	$(DEPLOY)/bin/python -m pytest -q tests/apps/test_monai_deploy.py

# MONAI Label builds SAM 2 against the torch that is there
$(LABEL)/ready: bundle/docs/monai_label_requirements.txt
	$(PYTHON) -m venv $(LABEL)
	$(LABEL)/bin/pip install --quiet torch==2.13.0 "setuptools<81" wheel
	SAM2_BUILD_CUDA=0 $(LABEL)/bin/pip install --quiet --no-build-isolation --requirement $< pytest==9.2.0
	$(LABEL)/bin/python tools/torchvision_stand_in.py
	touch $@

# the application takes the package from the archive: only its libraries stay
$(DEPLOY)/ready: pyproject.toml deploy/requirements.txt
	$(PYTHON) -m venv $(DEPLOY)
	$(DEPLOY)/bin/pip install --quiet torch==2.13.0
	$(DEPLOY)/bin/pip install --quiet . --requirement deploy/requirements.txt pytest==9.2.0
	$(DEPLOY)/bin/pip uninstall --quiet --yes cardiac-chamber-meshes
	touch $@

# exactly what the bill of materials lists
$(NODE)/ready: deploy/node/requirements.txt
	$(PYTHON) -m venv $(NODE)
	$(NODE)/bin/pip install --quiet --requirement $<
	touch $@

clean:
	rm -rf .venvs $(VENV) $(EXAMPLE) dist
