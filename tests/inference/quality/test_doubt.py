"""The rule of doubt: its ends, its thresholds, and that it never falls when evidence gets worse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from custom.chambers import CHAMBERS
from custom.inference.quality.doubt import CHECK, MOST, REASONS, assess, remark

SOUND = {
    "agreement": 1.0,
    "stability": 1.0,
    "missed_ml": 0.3,
    "blood_hu": 400,
    "surroundings_hu": 90,
    "edge_mm": 0.3,
    "expected_dice": 1.0,
    "cut": 0.0,
    "volume_ml": 100.0,
    "self_intersections": 0,
    "upright": 0.999,
    "confused": "head and feet",
    "forced": 0,
}
WORSE = {
    "agreement": ("disagreement", [0.94, 0.9, 0.8, 0.6, 0.0]),
    "stability": ("instability", [0.95, 0.9, 0.8, 0.6, 0.0]),
    "missed_ml": ("missed", [1.2, 2.0, 3.0, 6.0, 40.0]),
    "blood_hu": ("no_contrast", [141, 130, 124, 40, -900]),
    "surroundings_hu": ("no_contrast", [355, 365, 375, 400, 700]),
    "edge_mm": ("off_edge", [0.55, 0.7, 0.9, 2.5, 9.0]),
    "expected_dice": ("expected_error", [0.99, 0.95, 0.9, 0.8, 0.0]),
    "cut": ("cut_off", [0.02, 0.06, 0.11, 0.2, 1.0]),
    "volume_ml": ("implausible_volume", [340.0, 400.0, 460.0, 500.0, 2000.0]),
    "upright": ("directions", [0.45, 0.4, 0.34, 0.2, 0.0]),
    "self_intersections": ("crossing", [2, 18, 40, 60, 5000]),
}


def _doubt(**checks) -> float:
    return assess("LV", {**SOUND, **checks})["doubt"]


def test_nothing_to_doubt():
    verdict = assess("LV", SOUND)
    assert verdict == {"doubts": dict.fromkeys((reason.name for reason in REASONS), 0.0), "doubt": 0.0, "trust": "ok"}
    assert remark("LV", {**SOUND, **verdict}) is None
    assert all(_doubt(**{key: None}) == 0 for key in ("stability", "edge_mm", "expected_dice", "surroundings_hu"))


@pytest.mark.parametrize("key", WORSE)
def test_doubt_grows_with_each_reason_up_to_its_most(key):
    reason, values = WORSE[key]
    verdicts = [assess("LV", {**SOUND, key: value}) for value in values]
    doubts = [verdict["doubts"][reason] for verdict in verdicts]
    assert doubts == sorted(doubts) and 0 < doubts[0] < CHECK and doubts[-1] == MOST
    assert verdicts[0]["trust"] == "ok" and verdicts[-1]["trust"] == "do not use"
    for verdict in verdicts:
        assert {name for name, doubt in verdict["doubts"].items() if doubt} == {reason}
        assert verdict["doubt"] == pytest.approx(verdict["doubts"][reason], abs=1e-12)


def test_doubt_never_falls_when_any_evidence_gets_worse():
    rng = np.random.default_rng(0)
    for _ in range(200):
        checks = {key: values[int(rng.integers(-1, 4))] for key, (_, values) in WORSE.items()}
        key = str(rng.choice(list(WORSE)))
        worse = WORSE[key][1][-1]
        assert _doubt(**{**checks, key: worse}) >= _doubt(**checks)


@pytest.mark.parametrize(
    ("key", "third", "two_thirds"),
    [
        ("agreement", 0.85, 0.75),
        ("stability", 1 - 0.2 / 3, 1 - 0.4 / 3),
        ("missed_ml", 1 + 5 / 3, 1 + 10 / 3),
        ("blood_hu", 140, 130),
        ("surroundings_hu", 360, 370),
        ("edge_mm", 0.5 + 2 / 3, 0.5 + 4 / 3),
        ("expected_dice", 1 - 0.2 / 3, 1 - 0.4 / 3),
        ("cut", 0.05, 0.1),
        ("volume_ml", CHAMBERS["LV"].volume_ml[1] * 7 / 6, CHAMBERS["LV"].volume_ml[1] * 8 / 6),
        ("upright", 1 / 3, 1 / 6),
    ],
)
def test_a_third_is_to_be_checked_and_two_thirds_not_to_be_used(key, third, two_thirds):
    """What gives exactly as much, and the trust that changes a thousandth of the way before it."""
    for value, before, after in ((third, "ok", "check"), (two_thirds, "check", "do not use")):
        assert assess("LV", {**SOUND, key: value})["trust"] == after
        assert assess("LV", {**SOUND, key: value + 1e-3 * (third - two_thirds)})["trust"] == before


def test_counts_give_their_share():
    verdict = assess("LV", {**SOUND, "self_intersections": 10, "forced": 1})
    assert (verdict["doubts"]["crossing"], verdict["doubts"]["forced"]) == (0.2, 0.5)


@pytest.mark.parametrize(
    ("key", "sixth", "named"),
    [
        ("agreement", 0.9, "segmentation differs"),
        ("stability", 1 - 0.2 / 6, "slight changes"),
        ("edge_mm", 0.5 + 2 / 6, "from the edges"),
        ("expected_dice", 1 - 0.2 / 6, "overlaps the truth by 0.97"),
    ],
)
def test_a_sixth_of_doubt_is_mentioned_and_less_is_usual(key, sixth, named):
    worse = 1e-3 if key == "edge_mm" else -1e-3
    for value, mentioned in ((sixth + worse, True), (sixth - worse, False)):
        checks = {**SOUND, key: value}
        sentence = remark("LV", {**checks, **assess("LV", checks)})
        assert (sentence is not None and named in sentence) is mentioned


def test_what_was_forced_is_to_be_looked_at():
    assert assess("LV", {**SOUND, "forced": 1})["trust"] == "check"
    assert assess("LV", {**SOUND, "forced": 2})["trust"] == "do not use"


@pytest.mark.parametrize("name", CHAMBERS)
def test_the_population_is_not_doubted_and_what_is_no_volume_is(name):
    for volume in CHAMBERS[name].volume_ml:
        assert assess(name, {**SOUND, "volume_ml": volume})["trust"] == "ok"
    for volume in (-100.0, 0.0, CHAMBERS[name].volume_ml[0] / 2, CHAMBERS[name].volume_ml[1] * 2):
        assert assess(name, {**SOUND, "volume_ml": volume})["trust"] == "do not use"


def test_two_full_reasons_are_worse_than_one():
    assert MOST == _doubt(cut=1.0) < _doubt(cut=1.0, agreement=0.0) < 1


def test_small_doubts_add_up():
    alone = [_doubt(agreement=0.9), _doubt(stability=0.96), _doubt(cut=0.02)]
    together = assess("LA", {**SOUND, "agreement": 0.9, "stability": 0.96, "cut": 0.02})
    assert max(alone) < CHECK <= together["doubt"] and together["trust"] == "check"
    assert together["doubt"] == pytest.approx(1 - np.prod([1 - doubt for doubt in alone]), abs=2e-3)


def test_the_sentence_names_the_reasons_the_strongest_first():
    checks = {**SOUND, "blood_hu": None, "agreement": 0.85}
    checks |= assess("LA", checks)
    assert remark("LA", checks) == (
        "LA: do not use (doubt 0.80): "
        "the blood hardly stands out, as without contrast agent (blood None HU, around it 90 HU); "
        "the network's own segmentation differs (overlap 0.85; 1 is perfect)"
    )
    noted = {**SOUND, "self_intersections": 4}
    assert remark("LA", {**noted, **assess("LA", noted)}) == "LA: the surface crosses itself at 4 pairs of faces"


def test_the_confused_directions_are_named():
    checks = {**SOUND, "upright": 0.0}
    sentence = "LV: do not use (doubt 0.70): by the look of the anatomy the header confuses directions (head and feet)"
    assert remark("LV", {**checks, **assess("LV", checks)}) == sentence


def test_the_report_page_has_every_reason_with_its_ends():
    page = (Path(__file__).parents[3] / "bundle" / "docs" / "report.md").read_text()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| `")
    ]
    table = {row[0].strip("`"): row[-2:] for row in rows if len(row) == 4}
    for reason in REASONS:
        ends = reason.none, reason.full
        if reason.name == "no_contrast":  # said the other way round: what the blood has, not what it lacks
            ends = -reason.none, -reason.full
        assert [float(end) for end in table[reason.name]] == list(ends), reason.name
    assert set(table) == {reason.name for reason in REASONS}
    for chamber, row in CHAMBERS.items():
        assert f"{chamber} {row.volume_ml[0]:.0f} to {row.volume_ml[1]:.0f} mL" in page
