"""One whole generated case: a scan as it might come from a hospital, its labels and its true volumes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch

from ..frames import centred_affine
from .acquisition import Acquisition, Protocol
from .beating import Beat, Moment
from .painting import draw_patient, paint
from .population import Device, Patient
from .scanner import scan
from .streams import stream
from .structures import LEFT_HEART_LABELS
from .tissue import Tissues, draw_tissues

THICK, LAYERS = 2.5, 3  # slices farther apart than so many mm are averaged from so many layers each, an odd number


@dataclass(frozen=True)
class Kind:
    """A kind of examination: its field of view, where the heart lies in it, and how it is scanned. Ranges (low, high)
    are uniform."""

    width: Sequence[float]
    """mm, side of the square axial field of view."""
    length: Sequence[float]
    """mm, along the patient."""
    pixel: float
    """mm, in the axial plane."""
    offset: Sequence[float]
    """mm from the middle of the grid to the heart's centre, in any direction."""
    protocol: Protocol = field(default_factory=Protocol)
    """Its `cut` is best 0 here: the field of view is the grid."""
    devices: Sequence[str] = ()
    """Names of `Device`; a patient who carries none of these gets one."""
    phases: int = 1
    """Of a beat that are scanned, where a call does not say how many."""


@dataclass(frozen=True)
class Case:
    """image (D0, D1, D2) int16 HU, labels (D0, D1, D2) uint8 (1 = LA, 2 = LV), structures (D0, D1, D2) uint8, affine
    (4, 4) voxel -> RAS mm, the patient, how the scan was made, the chambers' volumes in mL by counting voxels, and
    `shift` (3,), RAS mm, by which everything lies back from where the patient's shapes are."""

    image: np.ndarray
    labels: np.ndarray
    structures: torch.Tensor
    affine: np.ndarray
    patient: Patient
    acquisition: Acquisition
    volumes_ml: dict[str, float]
    shift: np.ndarray


def generate_case(
    seed: int,
    kind: Kind,
    shape: Sequence[int] | None = None,
    spacing: Sequence[float] | None = None,
    device: torch.device | str = "cpu",
) -> Case:
    """Generate a patient and scan it.

    Args:
        seed: decides patient, position and scan; the same seed and kind give the same case on the CPU.
        kind: what is drawn from.
        shape: voxels along right, anterior, superior, instead of the kind's field of view.
        spacing: voxel size in mm, instead of the kind's pixel and its protocol's distance between slices.
        device: where to compute.
    """
    examination, rng = _examination(seed, kind, shape, spacing)
    still = Moment(examination.patient, np.zeros(3))
    return _scanned(examination, still, (), int(rng.integers(2**62)), device)


def generate_beat(
    seed: int,
    kind: Kind,
    percents: Sequence[float],
    shape: Sequence[int] | None = None,
    spacing: Sequence[float] | None = None,
    device: torch.device | str = "cpu",
) -> Iterator[tuple[float, Case]]:
    """Generate a patient whose heart beats, and scan phases, each with its own noise, dose and blur, all with the same
    contrast.

    Yields per cent of the beat, counted from end-diastole, and case, of each of `percents`; all lie on one grid. The
    arguments are those of `generate_case`, whose patient is this one, and whose heart is that of end-diastole but for
    the valves.
    """
    examination, _ = _examination(seed, kind, shape, spacing)
    beat, scan = Beat(examination.patient), examination.acquisition
    tissues = draw_tissues(stream(seed, "tissues of the beat"), scan.contrast)
    for percent in percents:
        middle, third = beat.rhythm.seen_at(percent), beat.rhythm.exposure / 3
        dosed = examination._replace(acquisition=replace(scan, noise=scan.noise / beat.rhythm.dose(percent) ** 0.5))
        noise = int(stream(seed, f"noise at {percent:g} %").integers(2**62))
        others = (beat.at(middle - third), beat.at(middle + third))
        yield percent, _scanned(dosed, beat.at(middle), others, noise, device, tissues)


class _Examination(NamedTuple):
    """All that is drawn before anything is painted."""

    patient: Patient
    acquisition: Acquisition
    offset: np.ndarray
    shape: tuple[int, ...]
    spacing: tuple[float, ...]


def _examination(
    seed: int, kind: Kind, shape: Sequence[int] | None, spacing: Sequence[float] | None
) -> tuple[_Examination, np.random.Generator]:
    """What `generate_case` draws, and the stream that goes on."""
    rng = stream(seed, "case")
    patient = equip(draw_patient(seed), kind.devices, rng)
    acquisition = kind.protocol.draw(rng)
    width, length = rng.uniform(*kind.width), rng.uniform(*kind.length)
    direction = rng.normal(size=3)
    offset = direction / np.linalg.norm(direction) * rng.uniform(*kind.offset)
    spacing = tuple(spacing or (kind.pixel, kind.pixel, round(acquisition.slice_increment, 2)))
    shape = tuple(shape or (round(size / s) for size, s in zip((width, width, length), spacing, strict=True)))
    return _Examination(patient, acquisition, offset, shape, spacing), rng


def _scanned(
    examination: _Examination,
    moment: Moment,
    others: Sequence[Moment],
    seed: int,
    device: torch.device | str,
    tissues: Tissues | None = None,
) -> Case:
    """A patient painted and scanned at a moment, blurred by `others`; `seed` is that of the noise, and of the tissues
    where none are given."""
    _, acquisition, offset, shape, spacing = examination
    # structures are painted in layers; every slice lies on the middle one of its own
    layers = LAYERS if spacing[2] > THICK else 1
    fine, painted = (*spacing[:2], spacing[2] / layers), (*shape[:2], shape[2] * layers)

    def paint_at(moment: Moment, step: int) -> torch.Tensor:
        """On every `step`-th voxel."""
        affine = centred_affine(painted, fine, offset + moment.shift) @ np.diag([step, step, step, 1.0])
        return paint(moment.patient, affine, tuple(-(-n // step) for n in painted), device)

    structures, moments = paint_at(moment, 1), [paint_at(other, 2) for other in others]
    acquisition = replace(acquisition, slice_increment=spacing[2], first_slice=fine[2] * (layers // 2))
    generator = torch.Generator(device).manual_seed(seed)
    image, labels, structures = (
        volume[:, :, layers // 2 :: layers]
        for volume in scan(structures, fine, acquisition, generator, moments, tissues)
    )
    labels = labels.cpu().numpy()
    voxel = float(np.prod(spacing)) / 1e3
    volumes = {name: float((labels == label).sum() * voxel) for name, label in LEFT_HEART_LABELS.items()}
    image = image.round().to(torch.int16).cpu().numpy()
    affine = centred_affine(shape, spacing, offset)
    return Case(image, labels, structures.cpu(), affine, moment.patient, acquisition, volumes, moment.shift)


def equip(patient: Patient, devices: Sequence[str], rng: np.random.Generator) -> Patient:
    """The patient with at least one of the devices named, if any are."""
    if not devices or patient.devices & set(devices):
        return patient
    return replace(patient, devices=patient.devices | {Device(rng.choice(devices))})
