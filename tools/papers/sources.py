"""What the papers are made of: hazards, requirements, software, and the bundle's own metadata."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAPERS = ROOT / "deploy" / "papers"
_PIN = re.compile(r'^\s*"([\w.-]+)==([\w.]+)",\s*(?:# (.*))?$', re.MULTILINE)


@dataclass(frozen=True)
class Claim:
    """A hazard with its control, or a requirement: what tests show."""

    id: str
    text: dict[str, str]
    tests: list[str]


@dataclass(frozen=True)
class Software:
    """A library that the bundle or its node is built on."""

    name: str
    version: str
    purpose: str
    licence: str
    """As its package states it; of those that state it in words, what they mean."""
    anomalies: list[str]


def claims(name: str) -> list[Claim]:
    """`hazards` or `requirements`."""
    rows = json.loads((PAPERS / f"{name}.json").read_text())
    return [
        Claim(row["id"], {key: value for key, value in row.items() if key not in ("id", "tests")}, row["tests"])
        for row in rows
    ]


def software() -> list[Software]:
    """The libraries that `pyproject.toml` pins for running, with what its comments say that they are for."""
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["node"]]
    purposes = {name: purpose for name, _, purpose in _PIN.findall(text)}
    known = json.loads((PAPERS / "software.json").read_text())
    components = {part["name"].lower(): part for part in bill_of_materials()["components"]}
    made = []
    for pin in wanted:
        name, version = pin.split("==")
        of = known.get(name, {})
        licence = of.get("licence") or _licence(components[name.lower()])
        made.append(Software(name, version, purposes[name] or "arrays", licence, of.get("anomalies", [])))
    return made


def _licence(component: dict[str, Any]) -> str:
    entries = component.get("licenses", [])
    found = {entry.get("expression") or entry["license"].get("id") or "" for entry in entries} - {""}
    return ", ".join(sorted(found)) or "not stated"


def bill_of_materials() -> dict[str, Any]:
    """The SBOM in CycloneDX, as `make sbom` has made it of the node's environment."""
    return json.loads((PAPERS / "sbom.json").read_text())


def metadata() -> dict[str, Any]:
    """The bundle's."""
    return json.loads((ROOT / "bundle" / "configs" / "metadata.json").read_text())


def missing_tests(claim: Claim) -> list[str]:
    """Those of its tests that there are not."""
    return [test for test in claim.tests if not _exists(*test.partition("::")[::2])]


def _exists(file: str, name: str) -> bool:
    path = ROOT / file
    return path.is_file() and name in _functions(path)


@cache
def _functions(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))
