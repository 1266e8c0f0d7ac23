"""Whether values can be the HU of a CT of a chest; what else they are gets a name."""

from __future__ import annotations

import numpy as np

from ..inputs import AIR, Findings

_SAMPLE = 128  # voxels along each axis that are looked at, at most
_SHIFT = 1024  # what HU are stored with where the rescale was forgotten
_SOFT_TISSUE = (-150, 300)  # HU, from fat to weakly contrasted blood


def check_hounsfield(values: np.ndarray, findings: Findings) -> np.ndarray:
    """Check (D0, D1, D2) float32; returned as they are, but for values that are not finite, which `force` makes air.

    ======================== ======================================================================================
    refusal                  what the values look like
    ======================== ======================================================================================
    not_finite               some are NaN or infinite
    constant                 all are the same
    unit_range               none is below -1 or above 1: scaled for a network
    grey_levels              none is below 0 or above 255: a picture
    shifted_by_1024          soft tissue is near 1050, and hardly a voxel below -200: the rescale was forgotten
    shifted_by_minus_1024    little soft tissue, but much near -1000 and -2000: the rescale was made twice
    not_hounsfield           none is below 0
    no_soft_tissue           less than one voxel in 1,000 lies between -150 and 300
    ======================== ======================================================================================

    `no_air`, none below -200, is a warning.

    Raises InputError for these, unless `findings` is forced.
    """
    finite = np.isfinite(values)
    if not finite.all():
        findings.refuse("not_finite", f"{(~finite).mean():.2%} of the values are not finite: they would be read as air")
        values = np.where(finite, values, np.float32(AIR))
    low, high = float(values.min()), float(values.max())
    sample = values[tuple(slice(None, None, -(-size // _SAMPLE)) for size in values.shape)]

    def share(least: float, most: float) -> float:
        return float(((sample >= least) & (sample <= most)).mean())

    spread = f"(values {low:g} to {high:g})"
    soft = share(*_SOFT_TISSUE)
    below = sample[sample > low] < -200  # but for padding
    if low == high:
        findings.refuse("constant", f"all values are {low:g}: this is no CT")
    elif low >= -1.001 and high <= 1.001:
        findings.refuse("unit_range", f"scaled values {spread}, not Hounsfield units: export the CT anew")
    elif low >= 0 and high <= 255:
        findings.refuse("grey_levels", f"grey levels of a picture {spread}, not Hounsfield units: export the CT anew")
    elif below.mean() < 0.005 and share(_SHIFT - 100, _SHIFT + 300) > 0.05:
        findings.refuse("shifted_by_1024", f"Hounsfield units shifted by 1024 {spread}: set `hu_offset` to -1024")
    elif share(-2 * _SHIFT - 100, -2 * _SHIFT + 250) > 0.05 and soft < 0.2 * share(-1200, -700):
        findings.refuse("shifted_by_minus_1024", f"Hounsfield units less 1024 {spread}: set `hu_offset` to 1024")
    elif low >= 0:
        findings.refuse("not_hounsfield", f"no voxel lies below zero {spread}: this is not a CT in Hounsfield units")
    elif soft < 0.001:
        findings.refuse(
            "no_soft_tissue", f"hardly a voxel is soft tissue {spread}: this is not a CT in Hounsfield units"
        )
    elif low > -200:
        findings.warn("no_air", f"no voxel is lung or air {spread}: were the values cut off?")
    return values
