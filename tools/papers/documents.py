"""Each paper as text, from sources and results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from .results import Results
from .sources import PAPERS, ROOT, Claim, claims, metadata, software

NO_CLAIM = (
    "Material for a manufacturer's file. It claims conformity with no regulation or standard, and the software is no "
    "medical device."
)


def papers(results: Results) -> dict[str, str]:
    """File name to content."""
    return {
        "sbom.json": (PAPERS / "sbom.json").read_text(),
        "third_party_software.md": _software(),
        "hazards.md": _hazards(results),
        "requirements.md": _requirements(results),
        "verification.md": _verification(results),
        "model_card.json": _model_card(),
        "intended_use.md": (PAPERS / "intended_use.md").read_text(),
        "security.md": (ROOT / "SECURITY.md").read_text(),
    }


def unproven(results: Results) -> list[str]:
    """The hazards of which not every named test has passed, with these tests."""
    return [
        f"{claim.id}: {test} {results.outcome(test)}"
        for claim in claims("hazards")
        for test in claim.tests
        if results.outcome(test) != "passed"
    ]


def _page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}, version {metadata()['version']}", NO_CLAIM, *parts]) + "\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _software() -> str:
    rows = [
        [item.name, item.version, item.licence, item.purpose, " ".join(item.anomalies) or "none recorded"]
        for item in software()
    ]
    return _page(
        "Third-party software",
        "Libraries that the bundle and its node use directly; `sbom.json` lists these and all that they need. "
        "Known anomalies are those that concern this use and that this project has recorded.",
        _table(["library", "version", "licence", "purpose", "known anomalies"], rows),
    )


def _shown(claim: Claim, results: Results) -> str:
    return "<br>".join(f"`{test}`: {results.outcome(test)}" for test in claim.tests)


def _hazards(results: Results) -> str:
    rows = [
        [claim.id, claim.text["hazard"], claim.text["harm"], claim.text["control"], _shown(claim, results)]
        for claim in claims("hazards")
    ]
    return _page(
        "Hazards",
        "Probabilities and severities are for the manufacturer to estimate, in the use that is intended then.",
        _table(["", "hazard", "harm", "control", "shown by"], rows),
    )


def _requirements(results: Results) -> str:
    rows = [[claim.id, claim.text["requirement"], _shown(claim, results)] for claim in claims("requirements")]
    return _page("Requirements and their tests", _table(["", "requirement", "shown by"], rows))


def _verification(results: Results) -> str:
    counts = results.counts()
    rows = [[file, *(str(number) for number in row.values())] for file, row in counts.items()]
    totals = [sum(row[outcome] for row in counts.values()) for outcome in ("failed", "passed", "skipped")]
    open_hazards = unproven(results)
    return _page(
        "Verification",
        f"{totals[1]} tests passed, {totals[0]} failed, {totals[2]} were skipped.",
        "Hazards without all their tests passed: " + ("none." if not open_hazards else "; ".join(open_hazards) + "."),
        f"Weights: {', '.join(f'{name} SHA-256 {digest}' for name, digest in _weights().items())}.",
        _table(["file", "failed", "passed", "skipped"], rows),
    )


def _weights() -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((ROOT / "bundle" / "models").glob("*.pt"))
    }


def _model_card() -> str:
    of = metadata()
    card = {
        key: of[key]
        for key in ("name", "version", "task", "description", "authors", "intended_use", "references", "data_source")
    }
    card |= {
        "license": "Apache-2.0",
        "library_name": "monai",
        "pipeline_tag": "image-segmentation",
        "weights_sha256": _weights(),
        "training_data": "computer-generated hearts only; no image of a patient",
        "measured_on": "generated patients that were not used for training; accuracy on patients is not measured",
        "metrics": of["eval_metrics"],
        "input": of["network_data_format"]["inputs"]["image"],
        "output": of["network_data_format"]["outputs"]["pred"],
        "hazards": [claim.id for claim in claims("hazards")],
    }
    return json.dumps(card, indent=2) + "\n"
