"""Whether values can be the HU of a CT of a chest; what else they are gets a name."""

from __future__ import annotations

import numpy as np

from ..inputs import AIR, Findings

_SAMPLE = 128  # voxels along each axis that are looked at, at most
_SHIFT = 1024  # what HU are stored with where the rescale was forgotten
_SOFT_TISSUE = (-150, 300)  # HU, from fat to weakly contrasted blood
_SHIFTED = (_SHIFT - 100, _SHIFT + 300)  # HU of soft tissue where it was forgotten
_DOUBLED_AIR = (-2 * _SHIFT - 100, -2 * _SHIFT + 250)  # HU of air and lung where the rescale was made twice
_INVERTED_AIR = (950, 1050)  # HU of air where signs were turned round
_LOWEST = -1024  # HU that a scanner measures
_PADDING_SHARE = 0.005  # of the voxels that have one value, at least, for it to be padding
_PADDING_GAP = 100.0  # HU round padding in which there is hardly another value


def check_hounsfield(values: np.ndarray, findings: Findings) -> np.ndarray:
    """Check (D0, D1, D2) int16 or float32; returned as they are, but with air, in place, where nothing was measured.

    That is padding, constant values below -1024 beyond the scan's circle, and what is not finite, if `force` goes on.

    ======================== ======================================================================================
    refusal                  what the values but for padding look like
    ======================== ======================================================================================
    not_finite               some are NaN or infinite
    constant                 all are the same
    unit_range               none is below -1 or above 1: scaled for a network
    grey_levels              none is below 0 or above 255: a picture
    shifted_by_1024          soft tissue is near 1050, and hardly a voxel below -200: the rescale was forgotten
    shifted_by_minus_1024    little soft tissue, but much near -1000 and -2000: the rescale was made twice
    inverted                 much is near 1000, and hardly a voxel near -1000: all signs were turned round
    not_hounsfield           none is below 0
    no_soft_tissue           less than one voxel in 1,000 lies between -150 and 300
    ======================== ======================================================================================

    `no_air`, none below -200, is a warning.

    Raises InputError for these, unless `findings` is forced.
    """
    if values.dtype.kind == "f" and not (finite := np.isfinite(values)).all():
        findings.refuse("not_finite", f"{(~finite).mean():.2%} of the values are not finite: they would be read as air")
        values[~finite] = AIR
    sample = values[tuple(slice(None, None, -(-size // _SAMPLE)) for size in values.shape)].ravel().astype(np.float32)
    constants = _constants(sample, _LOWEST)
    padding = [] if _is_air_less_1024(sample, constants) else constants
    sample = sample[~np.isin(sample, padding)]  # a copy, before its values change
    for value in padding:
        values[values == value] = AIR
    _check(sample, (float(values.min()), float(values.max())), findings)
    return values


def _constants(sample: np.ndarray, highest: float) -> list[np.float32]:
    """Values below `highest` that many voxels have, and hardly one nearly."""
    found = []
    values, counts = np.unique(sample[sample < highest], return_counts=True)
    for value in values[counts >= _PADDING_SHARE * len(sample)]:
        count = int(counts[values == value][0])
        near = int(counts[np.abs(values - value) <= _PADDING_GAP].sum()) - count
        if near <= 0.1 * count:
            found.append(value)
    return found


def _is_air_less_1024(sample: np.ndarray, constants: list[np.float32]) -> bool:
    """Whether a constant value is the air, without noise, of an image whose rescale was made twice."""
    if not any(_DOUBLED_AIR[0] <= value <= _DOUBLED_AIR[1] for value in constants):
        return False
    rest = _without_constants(sample)
    return _share(rest, *_SOFT_TISSUE) < 0.05 * _share(rest, *(end - _SHIFT for end in _SOFT_TISSUE))


def _without_constants(sample: np.ndarray) -> np.ndarray:
    """What is neither padding nor air without noise."""
    return sample[~np.isin(sample, _constants(sample, np.inf))]


def _share(sample: np.ndarray, least: float, most: float) -> float:
    return float(((sample >= least) & (sample <= most)).mean()) if len(sample) else 0.0


def _check(sample: np.ndarray, ends: tuple[float, float], findings: Findings) -> None:
    """Refuse what `sample` looks like, whose image has `ends` as its least and largest value."""
    low, high = ends
    spread = f"(values {low:g} to {high:g})"
    soft = _share(sample, *_SOFT_TISSUE)
    below = sample[sample > sample.min(initial=np.inf)] < -200  # but for one value that may stand for nothing
    if low == high:
        findings.refuse("constant", f"all values are {low:g}: this is no CT")
    elif low >= -1.001 and high <= 1.001:
        findings.refuse("unit_range", f"scaled values {spread}, not Hounsfield units: export the CT anew")
    elif low >= 0 and high <= 255:
        findings.refuse("grey_levels", f"grey levels of a picture {spread}, not Hounsfield units: export the CT anew")
    elif np.count_nonzero(below) <= 0.005 * len(below) and _share(_without_constants(sample), *_SHIFTED) > 0.05:
        findings.refuse("shifted_by_1024", f"Hounsfield units shifted by 1024 {spread}: set `hu_offset` to -1024")
    elif _share(sample, *_DOUBLED_AIR) > 0.05 and soft < 0.2 * _share(sample, -1200, -700):
        findings.refuse("shifted_by_minus_1024", f"Hounsfield units less 1024 {spread}: set `hu_offset` to 1024")
    elif (turned := _share(sample, *_INVERTED_AIR)) > 0.05 and _share(-sample, *_INVERTED_AIR) < 0.1 * turned:
        findings.refuse("inverted", f"the values have the wrong sign {spread}: air is near 1000; export the CT anew")
    elif low >= 0:
        findings.refuse("not_hounsfield", f"no voxel lies below zero {spread}: this is not a CT in Hounsfield units")
    elif soft < 0.001:
        findings.refuse(
            "no_soft_tissue", f"hardly a voxel is soft tissue {spread}: this is not a CT in Hounsfield units"
        )
    elif low > -200:
        findings.warn("no_air", f"no voxel is lung or air {spread}: were the values cut off?")
