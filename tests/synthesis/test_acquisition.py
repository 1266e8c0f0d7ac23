from dataclasses import asdict

import numpy as np
import pytest

from custom.synthesis.acquisition import Protocol
from custom.synthesis.tissue import Contrast


def draws(protocol: Protocol, count: int = 400) -> list[dict]:
    rng = np.random.default_rng(0)
    return [asdict(protocol.draw(rng)) for _ in range(count)]


def test_the_training_protocol_covers_its_ranges():
    scans = draws(Protocol())
    assert {scan["contrast"] for scan in scans} == set(Contrast)
    for key, low, high in (("noise", 3, 60), ("slice_thickness", 0.5, 5)):
        values = np.array([scan[key] for scan in scans])
        assert low <= values.min() < 1.1 * low and 0.9 * high < values.max() <= high
        assert np.median(values) == pytest.approx(np.sqrt(low * high), rel=0.15)  # log-uniform
    assert all(0 < scan["slice_increment"] <= scan["slice_thickness"] for scan in scans)
    assert all(scan["contrast_streaks"] > 0 for scan in scans if scan["contrast"] is Contrast.DENSE_RIGHT)
    for key, probability in (("overshoot", 0.25), ("motion", 0.2), ("step", 0.1), ("starvation", 0.1), ("cut", 0.45)):
        assert np.mean([scan[key] > 0 for scan in scans]) == pytest.approx(probability, abs=0.07)


def test_a_narrow_protocol_is_obeyed():
    protocol = Protocol({"none": 1.0}, noise=(9, 9), slice_thickness=(4, 4), sharp=0, motion=1, step=0, cut=0, circle=1)
    for scan in draws(protocol, 20):
        assert scan["contrast"] is Contrast.NONE and scan["noise"] == pytest.approx(9)
        assert scan["slice_thickness"] == pytest.approx(4) and scan["overshoot"] == scan["step"] == 0
        assert scan["motion"] > 0 and scan["circle"] and not scan["cut"]


@pytest.mark.parametrize("contrast", [{"portal": 1.0}, {"none": 0.0}, {}])
def test_an_unknown_phase_is_refused(contrast):
    with pytest.raises(ValueError, match="arterial, flushed, dense_right, venous, none"):
        Protocol(contrast)
