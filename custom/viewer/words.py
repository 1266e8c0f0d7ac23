"""What the page says of the image and of each structure, in HTML; every text is escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..chambers import CHAMBERS
from ..measured import Measured
from .colours import of_region, swatch

TRUST = {
    "ok": (
        "no alarm",
        "Nothing looked wrong to the program. It can be wrong all the same: see whether the outline follows the edge.",
    ),
    "check": ("check", "Doubtful: somebody who knows CTs of hearts must look at the outlines before it is used."),
    "do not use": ("do not use", "Probably wrong: use neither the outline nor the 3D shape."),
}
"""What is said instead of the report's words, and in full."""
_BLOOD = " and the blood in it"
OF_THE_IMAGE = ("forced", "directions")
"""Reasons that doubt the image, and thus all its chambers."""


def refusals(report: Mapping[str, Any]) -> dict[str, str]:
    """The sentences of what was forced, by their names; the report begins with those of the image, in one order."""
    sentences = dict(zip(report["outcomes"], report["warnings"], strict=False))
    return {name: sentences[name] for name in report["forced"]}


def forced(report: Mapping[str, Any]) -> str:
    told = "; ".join(
        f"{escape(sentence.removesuffix(' (forced)'))} <small>({escape(name)})</small>"
        for name, sentence in refusals(report).items()
    )
    if not told:
        return ""
    return (
        f'<p class="forced">FORCED: the program refused this image and was told to go on all the same: {told}. '
        "Other doubts may only follow from this.</p>"
    )


def usable(measured: Mapping[str, Measured]) -> bool:
    return any(values.trust != "do not use" for values in measured.values())


def stamp(refused: Sequence[str], measured: Mapping[str, Measured]) -> str:
    """What stands on the pictures where they would look better than they are."""
    rejected = [CHAMBERS[name].title.lower() for name, values in measured.items() if values.trust == "do not use"]
    lines = ["FORCED: refused by the program"] if refused else []
    if rejected:
        names = escape(", ".join(rejected).capitalize())
        lines.insert(0, f"{names}: not to be used" if usable(measured) else "Not to be used")
    return f'<p class="stamp">{"<br>".join(lines)}</p>' if lines else ""


def doubted(measured: Mapping[str, Measured]) -> str:
    if not any("directions" in values.phrases for values in measured.values()):
        return ""
    return (
        '<p class="doubted">? Right and left, front and back, or head and feet may be swapped: ask where the image '
        "comes from before you believe the letters and titles of the pictures.</p>"
    )


def trust_mark(trust: str) -> str:
    return f'<span class="trust" data-trust="{trust}">{TRUST[trust][0]}</span>'


def structure(
    name: str, values: Measured, regions: Mapping[str, str], percent: float | None, checks: Mapping[str, Any]
) -> str:
    """Of one structure: volume, trust, reasons, how near it is expected to be by the report's `checks`, what it is, and
    the colours of its regions, by value; of a beat at `percent` of it."""
    chamber = CHAMBERS[name]
    number = "no volume given" if values.volume_ml is None else f"{values.volume_ml:.1f} mL"
    moment = "" if percent is None else f" at {percent:g} % of the beat"
    title = escape(chamber.title) + (_BLOOD if chamber.around else "")
    noted = [phrase for reason, phrase in values.phrases.items() if reason not in OF_THE_IMAGE]
    reasons = ("<p>Noted, too little for an alarm:</p>\n" if noted and values.trust == "ok" else "") + listed(noted)
    return f"""<article class="chamber" id="chamber-{name}">
<h3>{title} ({name}) <label><input type="checkbox" id="show-{name}" checked> Show</label></h3>
<p><span class="number">{number}</span>{moment}</p>
<p>{trust_mark(values.trust)} {TRUST[values.trust][1]}</p>
{reasons}
{_expected(checks)}
<p class="definition">Measured: {escape(chamber.plainly)}.</p>
{_legend(regions)}
</article>"""


def _expected(checks: Mapping[str, Any]) -> str:
    one, two = (checks.get(f"expected_within_{reach}_mm") for reach in (1, 2))
    if one is None:
        return ""
    return f'<p class="expected">Expected to be right to 1 mm: {one:.0%} of the surface; to 2 mm: {two:.0%}.</p>'


def _legend(regions: Mapping[str, str]) -> str:
    if not regions:
        return ""
    told = "".join(f"<li>{swatch(of_region(int(value)))} {escape(name)}</li>" for value, name in regions.items())
    return f'<ul class="regions">{told}</ul>'


def warnings(report: Mapping[str, Any], measured: Mapping[str, Measured]) -> str:
    """What is not of one chamber, and does not stand above the pictures, once."""
    told = {*(values.reasons for values in measured.values()), *refusals(report).values()}
    texts = [text for text in report["warnings"] if text not in told]
    for values in measured.values():
        texts += [values.phrases[reason] for reason in OF_THE_IMAGE if reason in values.phrases]
    items = listed(list(dict.fromkeys(texts)))
    return f"<h2>Of the whole image</h2>\n{items}" if items else ""


def listed(texts: Sequence[str]) -> str:
    return "<ul>\n" + "\n".join(f"<li>{escape(text)}</li>" for text in texts) + "\n</ul>" if texts else ""


def about(report: Mapping[str, Any]) -> str:
    shape, spacing = report["input"]["shape"], report["input"]["spacing_mm"]
    facts = {
        "Program": f"cardiac-chamber-meshes {report['versions']['bundle']}",
        "CT": f"{' × '.join(map(str, shape))} voxels of {' × '.join(f'{size:.2f}' for size in spacing)} mm",
        "Weights (SHA-256)": report["weights_sha256"],
    }
    told = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in facts.items())
    return f"<details><summary>About the program and the CT</summary><dl>{told}</dl></details>"
