"""Generated hearts that beat: what moves, what stays, and the files."""

from __future__ import annotations

import json
from dataclasses import replace

import nibabel
import numpy as np
import pydicom
import pytest
import torch

from custom.inputs import InputError
from custom.reading.loading import LoadCTd
from custom.synthesis import Kind, synthesize
from custom.synthesis.acquisition import Protocol
from custom.synthesis.beating import Beat, percents
from custom.synthesis.case import generate_beat
from custom.synthesis.distributions import draw_parameters
from custom.synthesis.heart import Heart
from custom.synthesis.scanner import scan
from custom.synthesis.structures import Structure
from custom.synthesis.truth import Truth, landmarks_of_beat

KINDS = {"tiny": Kind(width=(150.0, 150.0), length=(130.0, 130.0), pixel=5.0, offset=(0.0, 0.0))}
TINY = {"shape": (32, 32, 28), "spacing": (5.0, 5.0, 5.0)}


@pytest.fixture(scope="module")
def beat() -> Beat:
    return Beat(draw_parameters(7))


def _wall_ml(heart: Heart) -> float:
    """Of a shell of even thickness round the ventricle's body."""
    radius, length = heart.lv_radius, heart.lv_length
    wall = (heart.patient.wall + heart.patient.septum) / 2
    return 0.751 * np.pi * ((radius + wall) ** 2 * (length + wall) - radius**2 * length) / 1e3


def test_the_ventricle_ejects_and_the_atrium_answers(beat):
    moments = [beat.at(percent).patient for percent in percents(40)]
    ventricle, atrium = (np.array([getattr(p, f"{name}_volume") for p in moments]) for name in ("lv", "la"))
    systole = beat.rhythm.systole
    assert ventricle.argmax() == 0 and 0.8 * systole < percents(40)[ventricle.argmin()] < systole + 2.5
    assert 1 - ventricle.min() / ventricle.max() == pytest.approx(beat.ejection, abs=1e-6)
    assert percents(40)[atrium.argmax()] == pytest.approx(systole, abs=2.5)
    assert 1 - atrium.min() / atrium.max() <= beat.emptying + 1e-9
    assert np.corrcoef(ventricle, atrium)[0, 1] < -0.9
    assert all(not (p.leaflet_opening and p.aortic_opening) for p in moments)


def test_a_faster_heart_has_more_systole_and_a_fibrillating_atrium_does_not_contract():
    beats = [Beat(draw_parameters(seed)) for seed in range(40)]
    rhythms = sorted((beat.rhythm for beat in beats), key=lambda rhythm: rhythm.rate)
    assert rhythms[0].systole < 40 < 47 < rhythms[-1].systole
    atrial = {beat.rhythm.fibrillates: [] for beat in beats}
    for beat in beats[:20]:
        late, latest = (beat.at(100 - 58 * share).patient.la_volume for share in (0.3, 0.0))
        atrial[beat.rhythm.fibrillates].append(1 - latest / late)
        assert (beat.rhythm.seen_at(30) == 30) is not beat.rhythm.fibrillates
    assert len(atrial) == 2 and min(atrial[False]) > 0.04 and max(atrial[True]) < 0.02


def test_a_scan_during_the_beat_is_blurred_where_the_heart_moves():
    structures = torch.full((20, 20, 20), int(Structure.LV_BLOOD), dtype=torch.uint8)
    structures[:, :, 10:] = int(Structure.MYOCARDIUM)
    moved = torch.roll(structures, 4, dims=2)[::2, ::2, ::2]
    quiet = Protocol(
        contrast={"arterial": 1.0},
        noise=(0.1, 0.1),
        slice_thickness=(1.0, 1.0),
        overlap=0,
        sharp=0,
        motion=0,
        step=0,
        contrast_streaks=0,
        starvation=0,
        cut=0,
        circle=0,
    ).draw(np.random.default_rng(0))
    still, blurred = (
        scan(structures, (1.0, 1.0, 1.0), quiet, torch.Generator().manual_seed(0), others).image
        for others in ((), (structures[::2, ::2, ::2], moved))
    )
    added = (blurred - still).mean(dim=(0, 1))
    blood, muscle = still[:, :, 5:8].mean(), still[:, :, 16:].mean()
    torch.testing.assert_close(added[11:13].mean(), (blood - muscle) / 3, rtol=0.15, atol=5)
    assert added[5:8].abs().max() < 1 and added[16:].abs().max() < 1


def test_the_apex_stays_the_base_descends_and_the_muscle_keeps_its_volume(beat):
    first = Heart(beat.at(0).patient)
    for percent in (20, 40, 70):
        moment = beat.at(percent)
        heart = Heart(moment.patient)
        back = np.linalg.inv(moment.patient.pose[:3, :3]) @ moment.shift
        apex, base = (place(heart) - back - place(first) for place in (_apex, lambda heart: heart.base))
        np.testing.assert_allclose(apex, 0, atol=1e-9)
        assert base @ heart.axis > 0 and np.linalg.norm(base - (base @ heart.axis) * heart.axis) < 1e-6
        assert _wall_ml(heart) == pytest.approx(_wall_ml(first), rel=1e-6)
        assert moment.patient.wall >= beat.patient.wall
    assert np.array_equal(beat.at(0).shift, np.zeros(3))


def _apex(heart: Heart) -> np.ndarray:
    return heart.base + heart.lv_length * heart.axis


def test_all_phases_of_a_beat_have_the_same_contrast():
    cases = [case for _, case in generate_beat(6, KINDS["tiny"], percents(3), **TINY)]
    blood = [np.median(case.image[(case.structures == Structure.LA_BLOOD).numpy()]) for case in cases]
    assert np.ptp(blood) < 25 and not np.array_equal(cases[1].image, cases[2].image)


def test_a_beat_is_written_as_volumes_of_one_file_with_its_truth(tmp_path):
    synthesize(tmp_path, 3, 1, "tiny", KINDS, phases=2, **TINY)
    image, labels = (nibabel.load(tmp_path / kind / "patient_000003.nii.gz") for kind in ("images", "labels"))
    assert image.shape == labels.shape == (32, 32, 28, 2)
    truth = json.loads((tmp_path / "truth" / "patient_000003.json").read_text())["beat"]
    counted = [(np.asarray(labels.dataobj)[..., index] == 2).sum() * 0.125 for index in range(2)]
    assert truth["percent"] == [0, 50] and truth["volume_ml"]["LV"] == pytest.approx(counted, abs=0.01)
    assert counted[0] > counted[1] and len(truth["apex"]) == 2
    assert (
        truth["mitral annulus"][0]
        == json.loads((tmp_path / "truth" / "patient_000003.json").read_text())["mitral annulus"]
    )


def test_a_beat_is_written_as_a_study_that_the_reader_knows(tmp_path):
    synthesize(tmp_path, 3, 1, "tiny", KINDS, format="dicom", phases=2, **TINY)
    folder = tmp_path / "dicom" / "patient_000003"
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in folder.rglob("*.dcm")]
    assert len({header.SeriesInstanceUID for header in headers}) == 2
    assert len({header.StudyInstanceUID for header in headers}) == len({header.PatientID for header in headers}) == 1
    phases = LoadCTd("image", phase="all").phases(str(folder))["phases"]
    assert [(phase["percent"], len(phase["arguments"]["places"])) for phase in phases] == [(0.0, 28), (50.0, 28)]


def test_a_beat_is_written_as_one_series_that_the_reader_knows(tmp_path):
    synthesize(tmp_path, 3, 1, "tiny", KINDS, format="dicom-one-series", phases=2, **TINY)
    folder = tmp_path / "dicom" / "patient_000003"
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in folder.rglob("*.dcm")]
    assert len({header.SeriesInstanceUID for header in headers}) == 1
    assert (
        len({header.SOPInstanceUID for header in headers}) == len({header.InstanceNumber for header in headers}) == 56
    )
    phases = LoadCTd("image", phase="all").phases(str(folder))["phases"]
    assert [(phase["percent"], len(phase["arguments"]["places"])) for phase in phases] == [(0.0, 28), (50.0, 28)]


def test_what_is_made_of_one_phase_is_refused_with_several(tmp_path):
    with pytest.raises(InputError, match="one phase"):
        synthesize(tmp_path, 3, 1, "tiny", KINDS, phases=2, regions=True)


def test_a_kind_may_have_phases_of_its_own_and_some_are_lost(tmp_path):
    gated = {"gated": replace(KINDS["tiny"], phases=4), **KINDS}
    synthesize(tmp_path, 3, 1, "gated", gated, format="dicom", lost_phases=1, **TINY)
    told = json.loads((tmp_path / "truth" / "patient_000003.json").read_text())["beat"]["percent"]
    assert len(told) == 3 and told[0] == 0 and set(told) < {0.0, 25.0, 50.0, 75.0}
    found = LoadCTd("image", phase="all").phases(str(tmp_path / "dicom" / "patient_000003"))["phases"]
    assert [phase["percent"] for phase in found] == told
    with pytest.raises(InputError, match="lost_phases"):
        synthesize(tmp_path, 3, 1, "tiny", gated, lost_phases=1, **TINY)


def test_any_draws_no_kind_of_several_phases(tmp_path):
    kinds = {"tiny": KINDS["tiny"], "gated": replace(KINDS["tiny"], phases=10)}
    synthesize(tmp_path, 1, 4, "any", kinds, shape=(12, 12, 12), spacing=(8, 8, 8))
    assert {row.split(",")[1] for row in (tmp_path / "patients.csv").read_text().splitlines()[1:]} == {"tiny"}


def test_the_apex_is_one_point_of_the_muscle_in_all_phases():
    """Of a cavity with an aneurysm, the end that is the farthest at end-diastole, though later the other one is."""
    beat = Beat(replace(draw_parameters(7), aneurysm=16.0, scar_thinning=0.6, scar_height=0.79, scar_angle=150.0))
    moments = [Truth(*beat.at(percent)) for percent in (0.0, 40.0)]
    first, later = (np.array(each["apex"]) for each in landmarks_of_beat(moments))
    assert [moment.apex_end for moment in moments] == [0, 1]
    assert np.linalg.norm(first - later) < 4 < 10 < np.linalg.norm(first - moments[1].landmarks()["apex"])
