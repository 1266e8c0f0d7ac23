"""The page as a file: what stands in it, what is escaped, how large it is; test_in_browser.py opens it."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html.parser import HTMLParser
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
from ellipsoids import BEAT, CENTRE, CHECK, OK, PLACES, REJECTED, SCALES, SHAPE, TURNED, volume_of
from stand_in import ROOT

from custom.calls.kinds import KINDS
from custom.inputs import InputError
from custom.text import RESEARCH_ONLY
from custom.viewer import Frame, find_viewer, installed
from custom.viewer.drawing import VERSION

EVIL = '<script>document.title = "hit"</script><img src=x onerror=alert(1)>"\'$name ${use}'
LARGEST = 8e6
"""Bytes, of a page of the default crop and surfaces; this one is smaller."""


class _Parts(HTMLParser):
    """Tags, the texts that are shown, and the contents of scripts by their id."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.scripts: dict[str | None, str] = {}
        self.feed(page.decode())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.cdata_elem == "script":
            self.scripts[self.tags[-1][1].get("id")] = data
        elif self.cdata_elem is None:
            self.texts.append(data)

    def unpacked(self, part: str) -> bytes:
        return gzip.decompress(base64.b64decode(self.scripts[part]))


@pytest.fixture(scope="module")
def sound(make_page) -> bytes:
    return make_page(LA=OK, LV=OK)


def test_it_asks_nobody_for_anything_and_is_small(sound):
    parts = _Parts(sound)
    assert len(sound) < LARGEST
    assert not [(tag, attributes) for tag, attributes in parts.tags if {"src", "href"} & set(attributes)]
    (policy,) = (attributes["content"] for _, attributes in parts.tags if "http-equiv" in attributes)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy and "http" not in policy
    assert parts.unpacked("niivue") == find_viewer().read_bytes()


def test_the_ct_in_it_is_the_crop_in_hu(sound):
    image = nibabel.Nifti1Image.from_bytes(_Parts(sound).unpacked("ct"))
    assert image.shape == SHAPE and image.get_data_dtype() == np.uint8
    values = image.get_fdata()
    assert values.min() >= -300 and values.max() <= 700
    middle = values[SHAPE[0] // 2 - 3 : SHAPE[0] // 2 + 3, 27:33, 25:31]
    assert middle.mean() == pytest.approx(200, abs=15)
    np.testing.assert_allclose(nibabel.affines.apply_affine(image.affine, (np.array(SHAPE) - 1) / 2), CENTRE, atol=1e-3)


def test_the_surfaces_in_it_are_the_meshes_in_ras(sound):
    for name, (centre, radii) in PLACES.items():
        content = _Parts(sound).unpacked(f"surface-{name}")
        assert content[:4] == b"MZ\3\0"
        faces, vertices, skipped = np.frombuffer(content, "<u4", 3, 4)
        assert skipped == 0 and len(content) == 16 + 12 * faces + 12 * vertices
        points = np.frombuffer(content, "<f4", 3 * vertices, 16 + 12 * faces).reshape(-1, 3)
        np.testing.assert_allclose(np.linalg.norm((points - centre) / radii, axis=1), 1, atol=1e-4)


def test_volumes_and_trust_and_reasons_are_told(make_page):
    page = make_page(LA=CHECK, LV=REJECTED, warnings=("the image ends at the apex",))
    text = " ".join(_Parts(page).texts)
    assert f"{volume_of('LA'):.1f} mL" in text and "it leaves out 3.0 mL" in text and "LA: check" not in text
    assert "the image ends at the apex" in text and text.count("it leaves out 3.0 mL") == 1
    assert "no volume" in text and f"{volume_of('LV'):.1f}" not in text
    case = json.loads(_Parts(page).unpacked("case"))
    assert case["surfaces"]["LV"]["volume_ml"] is None
    assert f"{volume_of('LV'):.1f}" not in json.dumps(case)
    assert RESEARCH_ONLY in text and "FORCED" not in text


def test_what_was_forced_is_told(make_page):
    text = " ".join(_Parts(make_page(LA=CHECK, forced=("grey_levels",))).texts)
    assert re.search(r"FORCED: .*grey_levels is wrong  ?.*\(grey_levels\)", text) and "FORCED: refused" in text
    assert "What the program found" in text and "Not to be used" not in text


def test_reasons_of_the_image_are_told_once_and_a_volume_that_is_not_to_be_used_never(make_page):
    text = " ".join(_Parts(make_page(LA=TURNED, LV=TURNED, forced=("grey_levels",))).texts)
    assert text.count("the header confuses directions (right and left)") == 1
    assert text.count("without `force` the image would have been refused") == 1
    assert text.count("grey_levels is wrong") == 1
    assert "Not a result" in text and "What the program found" not in text and "Not to be used" in text
    assert (
        "? Right and left, front and back, or head and feet may be swapped" in text
        and text.count("too large for almost any patient") == 2
    )
    assert not any(f"{volume_of(name):.{digits}f} mL" in text for name in PLACES for digits in (0, 1))


def test_landmarks_and_measurements_are_told_with_their_trust_and_what_is_missing_with_its_reason(make_page):
    page = make_page(LA=OK, LV=OK, anatomy=True)
    text = " ".join(" ".join(_Parts(page).texts).split())
    assert (
        "Mitral annulus, area 8.5 cm² no alarm" in text and "LV sphericity so is the surface of LV 0.36 check" in text
    )
    assert "LV long axis no apex was seen no number do not use" in text
    assert "Aortic annulus no outlet was seen do not use" in text
    assert "LV 17 apex" in text and "LA appendage" not in text
    case = json.loads(_Parts(page).unpacked("case"))
    assert [landmark["name"] for landmark in case["landmarks"]] == ["mitral_annulus", "lv_centre"]
    assert case["surfaces"]["LA"]["regions"] is None and set(case["surfaces"]["LV"]["regions"]) == {"6", "27"}
    assert set(np.frombuffer(_Parts(page).unpacked("regions-LV"), np.uint8)) == {6, 27}
    assert "Landmarks" not in " ".join(_Parts(make_page(LA=OK)).texts)


def test_expected_errors_are_told_and_each_vertex_has_its_colour(make_page):
    page = make_page(LA={**OK, "expected_within_1_mm": 0.87, "expected_within_2_mm": 0.96}, LV=OK, anatomy=True)
    text = " ".join(" ".join(_Parts(page).texts).split())
    assert (
        "Expected to be right to 1 mm: 87% of the surface; to 2 mm: 96%." in text
        and text.count("Expected to be right") == 1
    )
    case, steps = json.loads(_Parts(page).unpacked("case")), np.frombuffer(_Parts(page).unpacked("errors-LA"), np.uint8)
    assert case["surfaces"]["LV"]["errors"] is None
    assert steps.min() == 0 and steps.max() == len(case["surfaces"]["LA"]["errors"]) - 1 and len(steps) == 2562


def test_a_beat_holds_every_phase_and_the_ct_of_two(make_page):
    parts = _Parts(make_page(LA=OK, LV=OK, beat=BEAT))
    case = json.loads(parts.unpacked("case"))["beat"]
    assert case["percents"] == BEAT["percent"] and case["moments"] == [0, 2] and case["own"] == 0
    assert case["usable"]["LV"] == [True, True, True, False]
    assert case["told"][3].endswith("LV not to be used") and "LV 50.0 mL (check)" in case["told"][2]
    steps = np.frombuffer(parts.unpacked("motion-LV"), "<u2").reshape(4, -1, 3)
    for phase, scale in enumerate(SCALES):
        points = np.array(case["motion"]["origin"]) + case["motion"]["step"] * steps[phase]
        centre, radii = PLACES["LV"]
        np.testing.assert_allclose(np.linalg.norm((points - centre) / np.multiply(radii, scale), axis=1), 1, atol=1e-3)
    image = nibabel.Nifti1Image.from_bytes(parts.unpacked("ct"))
    assert image.shape == (*SHAPE, 2)
    assert np.abs(image.dataobj[..., 1] - np.asarray(image.dataobj[..., 0])).max() > 100
    text = " ".join(" ".join(parts.texts).split())
    assert "Ejection fraction 50 % check" in text and "at 0 % of the beat" in text


def test_a_refused_ejection_fraction_has_no_number(make_page):
    measures = {
        name: {**measure, "value": None, "percent": None, "trust": "do not use", "reason": "a gap of 30 %"}
        for name, measure in BEAT["measures"].items()
    }
    parts = _Parts(make_page(LA=OK, LV=OK, beat={**BEAT, "measures": measures}))
    text = " ".join(" ".join(parts.texts).split())
    assert "Ejection fraction no number do not use a gap of 30 %" in text and "50 %" not in text
    assert json.loads(parts.unpacked("case"))["beat"]["moments"] == [0]


def test_texts_from_files_are_escaped(make_page):
    plain = _Parts(make_page("ct", LA=CHECK, warnings=("w",), forced=("f",)))
    evil = _Parts(make_page(EVIL, LA=CHECK, warnings=(EVIL,), forced=(EVIL,)))
    assert [tag for tag, _ in evil.tags] == [tag for tag, _ in plain.tags]
    assert EVIL in evil.texts and any(EVIL in text for text in evil.texts if "FORCED" in text)
    assert len(evil.scripts) == len(plain.scripts) and evil.scripts[None] == plain.scripts[None]


def test_a_notebook_shows_it_in_a_frame_of_its_own(sound):
    parts = _Parts(Frame(sound, 700)._repr_html_().encode())
    ((tag, attributes),) = parts.tags
    assert tag == "iframe" and attributes["sandbox"] == "allow-scripts" and attributes["height"] == "700"
    assert attributes["srcdoc"] == sound.decode()


def _absent(name: str):
    raise PackageNotFoundError(name)


@pytest.mark.parametrize("found", [_absent, lambda name: SimpleNamespace(version="3.0.0")], ids=["absent", "another"])
def test_without_its_viewer_a_page_is_refused_by_name_and_the_default_is_none(monkeypatch, make_page, found):
    monkeypatch.setattr("custom.viewer.drawing.distribution", found)
    with pytest.raises(InputError, match="pip install ipyniivue==2.4.4"):
        make_page(LA=OK)
    assert "pip install ipyniivue==2.4.4" in KINDS["viewer"](True)
    assert KINDS["viewer"](False) is None and KINDS["viewer"]("yes") == "choose True or False"
    assert not installed()


@pytest.mark.parametrize("file", ["pyproject.toml", "deploy/requirements.txt", "bundle/docs/viewer.md"])
def test_the_version_of_the_viewer_is_the_one_that_the_page_is_made_for(file):
    assert set(re.findall(r"ipyniivue==([\d.]+)", (ROOT / file).read_text())) == {VERSION}
