import io

import numpy as np
from matplotlib.image import imread
from shapes import CENTRES, OBLIQUE, RADII, ellipsoid, mask

from custom.evaluation.figures import TRUTH, box_plots, overlay
from custom.evaluation.measures import FAILED, MEASURED, Measures
from custom.inference.writing.preview import as_png

SHAPE = (60, 60, 60)


def pixels(figure) -> np.ndarray:
    return imread(io.BytesIO(as_png(figure)))[..., :3]


def count(picture, colour) -> int:
    wanted = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return int((np.abs(picture - wanted).max(axis=-1) < 0.15).sum())


def drawn(shift: float) -> np.ndarray:
    blood = np.any([mask(SHAPE, OBLIQUE, centre, RADII) for centre in CENTRES.values()], axis=0)
    truth = [ellipsoid(name, centre, RADII) for name, centre in CENTRES.items()]
    found = [mesh._replace(vertices=mesh.vertices + (shift, 0, 0)) for mesh in truth]
    return pixels(overlay(np.where(blood, 400.0, 0.0), OBLIQUE, truth, found, "worst: a", (-300, 700)))


def test_contours_follow_prediction_and_truth():
    right, wrong = drawn(0.0), drawn(5.0)
    assert (right != wrong).any()
    assert count(right, TRUTH) < 0.3 * count(wrong, TRUTH)  # where both agree, the truth lies below
    levels = right.mean(axis=-1)[60:]
    assert (levels > 0.6).mean() > 0.01 and (np.abs(levels - 0.3) < 0.02).mean() > 0.2  # blood, and what is around


def test_box_plots_show_the_values():
    def rows(dice):
        return [
            Measures(str(k), name, MEASURED, dice=float(d), assd_mm=1.0 + k, hd95_mm=2.0 + k)
            for k, d in enumerate(dice)
            for name in CENTRES
        ]

    one, other = pixels(box_plots({"": rows([0.9, 0.8, 0.7])})), pixels(box_plots({"": rows([0.9, 0.6, 0.7])}))
    assert one.shape == other.shape and (one != other).any()
    failed = [Measures("a", name, FAILED, "damaged") for name in CENTRES]
    both = pixels(box_plots({"ours": rows([0.9, 0.8]), "other": failed}))
    assert both.shape[1] > one.shape[1]
