"""The papers: every claim names tests that there are, pins and bill of materials agree, the same bytes each time."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from tools.papers import __main__ as command
from tools.papers.documents import NO_CLAIM, papers, unproven
from tools.papers.results import Results
from tools.papers.sources import ROOT, bill_of_materials, claims, missing_tests, software

LOCK = ROOT / "deploy" / "node" / "requirements.txt"


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def junit(tmp_path: Path, failing: str = "") -> Path:
    """A run in which all named tests passed but one."""
    tests = {test for kind in ("hazards", "requirements") for claim in claims(kind) for test in claim.tests}
    cases = ""
    for test in sorted(tests):
        file, name = test.removesuffix(".py").replace(".py::", "::").split("::")
        inside = "<failure/>" if test == failing else ""
        cases += f'<testcase classname="{file.replace("/", ".")}" name="{name}[a]" time="1">{inside}</testcase>'
    path = tmp_path / "results.xml"
    path.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    return path


@pytest.mark.parametrize("kind", ["hazards", "requirements"])
def test_every_claim_names_tests_that_there_are(kind):
    made = claims(kind)
    assert len({claim.id for claim in made}) == len(made) > 10
    for claim in made:
        assert claim.tests and missing_tests(claim) == [], claim.id


def test_a_test_that_there_is_not_is_seen():
    (claim, *_) = claims("hazards")
    assert missing_tests(type(claim)("H", {}, ["tests/test_papers.py::test_none", "tests/none.py::test"])) == [
        "tests/test_papers.py::test_none",
        "tests/none.py::test",
    ]


def test_the_bill_of_materials_is_that_of_the_pins():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = dict(pin.split("==") for pin in [*project["dependencies"], *project["optional-dependencies"]["node"]])
    locked = dict(line.split("==") for line in LOCK.read_text().split())
    listed = {canonical(part["name"]): part["version"].split("+")[0] for part in bill_of_materials()["components"]}
    assert {name: listed.get(canonical(name)) for name in pins} == pins, "run `make sbom`"
    tools = {"pip", "setuptools"}
    locked = {canonical(name): version for name, version in locked.items()}
    assert {name: version for name, version in listed.items() if name not in tools} == {
        name: version for name, version in locked.items() if name not in tools
    }
    main = bill_of_materials()["metadata"]["component"]
    assert (main["name"], main["version"]) == (project["name"], project["version"])


def test_the_pins_are_what_is_installed():
    for item in software():
        assert importlib.metadata.version(item.name).split("+")[0] == item.version
        assert item.purpose


def test_all_that_the_pins_need_is_listed():
    """Nothing that the installed libraries ask for is missing from the bill of materials."""
    graph = {entry["ref"]: entry.get("dependsOn", []) for entry in bill_of_materials()["dependencies"]}
    refs = {part["bom-ref"] for part in bill_of_materials()["components"]}
    assert refs <= set(graph) and {ref for needed in graph.values() for ref in needed} <= refs


def test_the_same_sources_give_the_same_papers(tmp_path, monkeypatch):
    results = junit(tmp_path)
    for name in ("one", "two"):
        monkeypatch.setattr(sys, "argv", ["papers", str(tmp_path / name), "--junit", str(results)])
        assert command.main() == 0
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    for line in one.pop("SHA256SUMS").decode().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256(one.pop(name)).hexdigest() == digest
    assert not one


def test_a_hazard_whose_test_failed_or_did_not_run_is_an_error(tmp_path, monkeypatch, capsys):
    hazard = claims("hazards")[0]
    results = junit(tmp_path, failing=hazard.tests[0])
    monkeypatch.setattr(sys, "argv", ["papers", str(tmp_path / "out"), "--junit", str(results)])
    assert command.main() == 1
    assert f"not shown: {hazard.id}: {hazard.tests[0]} failed" in capsys.readouterr().err
    assert len(unproven(Results([]))) == sum(len(claim.tests) for claim in claims("hazards"))


def test_papers_say_what_they_are_and_name_no_machine(tmp_path):
    made = papers(Results([junit(tmp_path)]))
    for name in ("hazards.md", "requirements.md", "verification.md", "third_party_software.md"):
        assert NO_CLAIM in made[name]
    card = json.loads(made["model_card.json"])
    assert card["license"] == "Apache-2.0" and "model.pt" in card["weights_sha256"]
    assert "not stated" not in made["third_party_software.md"]
    here = f"{Path(*ROOT.parts[:2])}/"  # and so the whole of ROOT, and what lies beside it
    assert not [name for name, text in made.items() if str(ROOT) in text or here in text]
