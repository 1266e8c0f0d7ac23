"""Generated hearts that beat: what moves, what stays, and the files."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pydicom
import pytest

from custom.inputs import InputError
from custom.reading.loading import LoadCTd
from custom.synthesis import Kind, synthesize
from custom.synthesis.beating import Beat, percents
from custom.synthesis.distributions import draw_parameters
from custom.synthesis.heart import Heart

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
    moments = [beat.at(percent).patient for percent in percents(20)]
    ventricle, atrium = (np.array([getattr(p, f"{name}_volume") for p in moments]) for name in ("lv", "la"))
    assert ventricle.argmax() == 0 and percents(20)[ventricle.argmin()] in (35.0, 40.0)
    assert 1 - ventricle.min() / ventricle.max() == pytest.approx(beat.ejection, abs=1e-6)
    assert percents(20)[atrium.argmax()] == 40.0 and 1 - atrium.min() / atrium.max() <= beat.emptying
    assert np.corrcoef(ventricle, atrium)[0, 1] < -0.9
    assert all(not (p.leaflet_opening and p.aortic_opening) for p in moments)


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


def test_a_beat_is_written_as_volumes_of_one_file_with_its_truth(tmp_path):
    synthesize(tmp_path, 3, 1, "tiny", KINDS, phases=2, **TINY)
    image, labels = (nibabel.load(tmp_path / kind / "patient_000003.nii.gz") for kind in ("images", "labels"))
    assert image.shape == labels.shape == (32, 32, 28, 2)
    truth = json.loads((tmp_path / "truth" / "patient_000003.json").read_text())["beat"]
    counted = [(np.asarray(labels.dataobj)[..., index] == 2).sum() * 0.125 for index in range(2)]
    assert truth["percent"] == [0, 50] and truth["volume_ml"]["LV"] == pytest.approx(counted, abs=0.01)
    assert counted[0] > counted[1]


def test_a_beat_is_written_as_a_study_that_the_reader_knows(tmp_path):
    synthesize(tmp_path, 3, 1, "tiny", KINDS, format="dicom", phases=2, **TINY)
    folder = tmp_path / "dicom" / "patient_000003"
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in folder.rglob("*.dcm")]
    assert len({header.SeriesInstanceUID for header in headers}) == 2
    assert len({header.StudyInstanceUID for header in headers}) == len({header.PatientID for header in headers}) == 1
    phases = LoadCTd("image", phase="all").phases(str(folder))["phases"]
    assert [(phase["percent"], len(phase["arguments"]["places"])) for phase in phases] == [(0.0, 28), (50.0, 28)]


def test_what_is_made_of_one_phase_is_refused_with_several(tmp_path):
    with pytest.raises(InputError, match="one phase"):
        synthesize(tmp_path, 3, 1, "tiny", KINDS, phases=2, regions=True)
