"""Function from curves whose answer is known, and the periodic motion."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from custom.function.curves import draw_curves
from custom.function.excursion import NAME, measure_excursion
from custom.function.files import as_csv
from custom.function.motion import largest_gap, periodic_fit
from custom.function.sliding import joined_at_valve, without_fast_sliding, without_sliding
from custom.function.volumes import end_diastole, measure_function
from custom.template import icosphere

TEN = [10.0 * index for index in range(10)]
LV = [140.0, 120.0, 90.0, 62.0, 56.0, 80.0, 105.0, 115.0, 118.0, 138.0]
LA = [60.0, 70.0, 85.0, 98.0, 100.0, 90.0, 75.0, 72.0, 70.0, 55.0]
OK = ["ok"] * 10


def test_function_follows_the_definitions():
    measures = measure_function(TEN, {"LV": LV, "LA": LA}, {"LV": OK, "LA": OK})
    value = {name: measure["value"] for name, measure in measures.items()}
    assert value["LV_end_diastolic_volume"] == 140.0 and measures["LV_end_diastolic_volume"]["percent"] == 0.0
    assert value["LV_end_systolic_volume"] == 56.0 and measures["LV_end_systolic_volume"]["percent"] == 40.0
    assert value["LV_stroke_volume"] == 84.0 and value["LV_ejection_fraction"] == pytest.approx(0.6)
    assert (value["LA_largest_volume"], value["LA_smallest_volume"]) == (100.0, 55.0)
    assert value["LA_emptying_fraction"] == pytest.approx(0.45)
    assert (value["LA_pre_contraction_volume"], measures["LA_pre_contraction_volume"]["percent"]) == (70.0, 80.0)
    assert value["LA_passive_emptying_fraction"] == pytest.approx(0.3)
    assert value["LA_active_emptying_fraction"] == pytest.approx(15 / 70, abs=1e-3)


def test_an_atrium_that_does_not_contract_has_no_volume_before_it_does():
    without = [50.0, 60.0, 80.0, 98.0, 100.0, 75.0, 58.0, 52.0, 50.0, 49.0]
    measures = measure_function(TEN, {"LA": without}, {"LA": OK})
    assert measures["LA_emptying_fraction"]["value"] == pytest.approx(0.51)
    for name in ("pre_contraction_volume", "passive_emptying_fraction", "active_emptying_fraction"):
        assert measures[f"LA_{name}"]["value"] is None and "no contraction" in measures[f"LA_{name}"]["reason"]


def test_the_excursion_is_the_descent_along_the_axis_of_end_diastole():
    descent = [0.0, 4.0, 9.0, 12.0, 13.0, 8.0, 5.0, 4.0, 3.0, 1.0]
    aside = [0.0, 2.0, 3.0, 3.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    centres = [[side, 0.0, 50.0 - down] for side, down in zip(aside, descent, strict=True)]
    found = measure_excursion(TEN, centres, [0.0, 0.0, -40.0], 0, OK)[NAME]
    assert (found["value"], found["percent"], found["unit"], found["trust"]) == (13.0, 40.0, "mm", "ok")
    assert measure_excursion(TEN, [*centres[:9], None], [0.0, 0.0, -40.0], 0, OK)[NAME]["value"] is None
    assert measure_excursion(TEN, centres, None, 0, OK)[NAME]["value"] is None
    checked = measure_excursion(TEN, centres, [0.0, 0.0, -40.0], 0, [*OK[:4], "check", *OK[5:]])[NAME]
    assert checked["trust"] == "check"


@pytest.mark.parametrize(
    ("percents", "given"),
    [(TEN, True), ([12.5 * i for i in range(8)], True), (TEN[:9], False), ([0, 40, 75], False), ([75.0], False)],
)
def test_too_few_phases_give_no_number(percents, given):
    measures = measure_function(percents, {"LV": LV[: len(percents)]}, {"LV": OK[: len(percents)]})
    assert all((measure["value"] is not None) is given for measure in measures.values())
    assert all((measure["reason"] is None) is given for measure in measures.values())


def test_a_number_is_trusted_as_the_phases_that_it_is_made_of():
    trusts = ["check", *OK[1:]]
    measures = measure_function(TEN, {"LV": LV}, {"LV": trusts})
    trust = {name.removeprefix("LV_"): measure["trust"] for name, measure in measures.items()}
    assert trust == {
        "end_diastolic_volume": "check",
        "end_systolic_volume": "ok",
        "stroke_volume": "check",
        "ejection_fraction": "check",
    }
    refused = measure_function(TEN, {"LV": LV}, {"LV": ["do not use", *OK[1:]]})
    assert all(
        measure["value"] is None and "1 are not to be trusted" in measure["reason"] for measure in refused.values()
    )
    assert end_diastole({"LV": LV}, {"LV": ["do not use", *OK[1:]]}) == 9


def test_what_does_not_beat_has_no_ejection_fraction():
    measures = measure_function(TEN, {"LV": [100.0 + index % 2 for index in range(10)]}, {"LV": OK})
    assert (
        measures["LV_ejection_fraction"]["value"] is None and "one beat" in measures["LV_ejection_fraction"]["reason"]
    )
    assert measures["LV_end_diastolic_volume"]["value"] == 101.0


def test_gaps_go_round_the_cycle():
    assert largest_gap(TEN) == pytest.approx(10)
    assert largest_gap([10, 20, 90]) == pytest.approx(70)
    assert largest_gap([30]) == pytest.approx(100) and largest_gap([]) == 100


def test_a_motion_of_low_order_is_kept_and_noise_falls():
    rng = np.random.default_rng(0)
    angles = 2 * np.pi * np.array(TEN) / 100
    waves = np.stack([np.ones(10), np.cos(angles), np.sin(2 * angles), np.cos(3 * angles)], 1)
    fitted = periodic_fit(TEN, waves, np.ones(10), 4)
    kept = (fitted * waves).sum(0) / (waves * waves).sum(0)
    np.testing.assert_allclose(kept, [1, 5 / 5.01, 5 / 5.16, 5 / 5.81], rtol=1e-9)
    noisy = rng.normal(0, 1, (10, 2000, 3))
    assert 0.8 < periodic_fit(TEN, noisy, np.ones(10), 4).std() < 0.9
    assert np.array_equal(periodic_fit(TEN, noisy, np.ones(10), 0), noisy)


def test_a_doubted_phase_is_where_the_others_leave_it():
    true = np.tile(np.cos(2 * np.pi * np.array(TEN) / 100)[:, None, None], (1, 5, 3))
    values = true.copy()
    values[3] += 10.0
    weights = np.ones(10)
    believed = periodic_fit(TEN, values, weights, 4)[3, 0, 0]
    weights[3] = 0.0
    doubted = periodic_fit(TEN, values, weights, 4)[3, 0, 0]
    assert abs(doubted - true[3, 0, 0]) < 0.2 and believed > 7
    np.testing.assert_allclose(periodic_fit(TEN, values, weights / 50, 4), periodic_fit(TEN, values, weights, 4))


def test_the_order_falls_with_the_phases():
    """Of phases with a large gap no wave is fitted that the gap could hide."""
    values = np.random.default_rng(0).normal(size=(4, 2, 3))
    for percents in ([0, 10, 20, 30], [0, 25, 50, 75]):
        fitted = periodic_fit(percents, values, np.ones(4), 3)
        assert np.isfinite(fitted).all() and np.abs(fitted).max() <= np.abs(values).max() + 1


def test_the_table_and_the_picture_show_no_volume_that_is_not_to_be_used():
    curves = {"LV": {"volume_ml": LV, "trust": ["do not use", *OK[1:]]}}
    table = as_csv("=ct", TEN, curves).decode().splitlines()
    assert table[:3] == ["case,percent,LV_ml,LV_trust", "'=ct,0.0,,do not use", "'=ct,10.0,120.0,ok"]
    measures = measure_function(TEN, {"LV": LV}, {"LV": curves["LV"]["trust"]})
    line, *_ = draw_curves("ct", TEN, curves, measures).axes[0].lines
    assert 140.0 not in line.get_ydata() and line.get_label() == "Left ventricle: no ejection fraction"


def test_vertices_do_not_slide_along_their_surface():
    """A sphere that moves and beats as a whole stays; where vertices wander along it, they come back, and it stays."""
    vertices, faces = (x.numpy() for x in icosphere(4))
    beat = np.cos(2 * np.pi * np.array(TEN) / 100)[:, None, None]
    true = (20 + 3 * beat) * vertices + beat * [2.0, -4.0, 6.0]
    np.testing.assert_allclose(without_sliding(true, faces), true, atol=0.5)

    angle = 0.12 * np.sin(9 * vertices[:, 2]) * beat[..., 0]
    x, y, z = vertices.T
    turned = np.stack(
        [np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y, np.broadcast_to(z, angle.shape)],
        axis=-1,
    )
    wandering = (20 + 3 * beat) * turned + beat * [2.0, -4.0, 6.0]
    found = without_sliding(wandering, faces)
    before, after = (np.linalg.norm(each - true, axis=-1).max() for each in (wandering, found))
    assert after < 0.6 * before and before > 2
    radii = np.linalg.norm(found - beat * [2.0, -4.0, 6.0], axis=-1)
    np.testing.assert_allclose(radii, np.broadcast_to((20 + 3 * beat)[..., 0], radii.shape), atol=0.25)


@pytest.mark.parametrize(("amplitude", "kept"), [(0.6, 0.05), (12.0, 0.97)])
def test_fast_sliding_is_noise_where_there_is_little_of_it(amplitude, kept):
    vertices, faces = (x.numpy() for x in icosphere(4))
    sphere = 20 * vertices
    along = np.cross([0.0, 0.0, 1.0], vertices)  # round the axis
    slow, fast = (np.cos(2 * np.pi * times * np.array(TEN) / 100)[:, None, None] for times in (1, 3))
    wandering = sphere + (slow + amplitude * fast) * along
    found = without_fast_sliding(wandering, sphere + slow * along, faces)
    left = np.abs(((found - sphere - slow * along) * along).sum(-1)).max(0)
    most = np.linalg.norm(along, axis=1) * amplitude
    wide = most > 0.8 * amplitude
    assert np.median(left[wide] / most[wide]) == pytest.approx(kept, abs=0.06)
    assert np.abs(np.linalg.norm(found, axis=-1) - np.linalg.norm(wandering, axis=-1)).max() < 0.35


def test_two_chambers_do_not_slide_along_each_other_at_their_valve():
    """Two balls a millimetre apart, of which one turns to and fro about the line between them."""
    ball, faces = (x.numpy() for x in icosphere(4))
    still = 15.0 * ball + [0, 0, 15.5]
    angles = 0.2 * np.sin(2 * np.pi * np.arange(8) / 8)
    turns = Rotation.from_euler("z", angles[:, None]).as_matrix()
    turning = np.stack([15.0 * ball @ turn.T - [0, 0, 15.5] for turn in turns])
    stays = np.repeat(still[None], 8, axis=0)
    first, second = joined_at_valve(turning, stays, (faces, faces))

    def relative(one, other):
        """Of the vertices near the valve, but for its middle, where nothing moves."""
        apart, partner = KDTree(other.mean(0)).query(one.mean(0))
        valve = (apart < 4) & (np.linalg.norm(one.mean(0)[:, :2], axis=1) > 3)
        slides = (one - one.mean(0))[:, valve] - (other - other.mean(0))[:, partner[valve]]
        return np.linalg.norm(slides, axis=-1).max(0).mean()

    assert relative(first, second) < 0.5 * relative(turning, stays)
    assert np.abs(np.linalg.norm(first + [0, 0, 15.5], axis=-1) - 15).max() < 0.1
    far = np.abs(still[:, 2]) > 15
    np.testing.assert_allclose(second[:, far], stays[:, far], atol=0.05)
    np.testing.assert_allclose(joined_at_valve(stays - [0, 0, 60], stays, (faces, faces))[0], stays - [0, 0, 60])
