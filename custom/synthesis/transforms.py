"""MONAI dictionary transforms that make training data out of seeds."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Randomizable, Transform

from ..frames import centred_affine, spacing_of
from .acquisition import Protocol
from .beating import Beat
from .painting import draw_patient, paint
from .population import Patient
from .scanner import scan
from .streams import stream
from .structures import LEFT_HEART_LABELS, label_map

SYSTOLIC = (30.0, 50.0)
"""Per cent of the beat where gated scans are reconstructed in systole."""


class PaintPatientd(MapTransform):
    """Seed -> structure map. Deterministic, so a `PersistentDataset` or `CacheDataset` keeps its result.

    A patient is drawn with the ventricle of end-diastole and the atrium of end-systole, see `beating`. `moments` has
    some of them caught at one moment of their beat instead, with ventricles down to a few mL: half of these where
    scanners reconstruct systole, the others anywhere.

    Args:
        keys: the entries that hold seeds (int).
        shape: voxels of the map.
        spacing: voxel size, mm; the heart's centre lies in the middle of the map.
        moments: share of the patients that are caught so.
        aorta_beyond: mm above the upper level of the atria to which the ascending aorta goes, so that what is learnt
            reaches where it is to be cut.
        output_key: where the map goes: MetaTensor (1, D0, D1, D2) uint8 with its voxel -> RAS affine.
    """

    def __init__(
        self,
        keys: KeysCollection,
        shape: Sequence[int] = (144, 144, 144),
        spacing: Sequence[float] = (1.5, 1.5, 1.5),
        moments: float = 0.0,
        aorta_beyond: float = 0.0,
        output_key: str = "structures",
    ) -> None:
        super().__init__(keys)
        self.shape, self.spacing, self.output_key = tuple(shape), tuple(spacing), output_key
        self.moments, self.aorta_beyond = float(moments), float(aorta_beyond)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        data = dict(data)
        for key in self.key_iterator(data):
            affine = centred_affine(self.shape, self.spacing)
            patient = self.patient(int(data[key]))
            structures = paint(patient, affine, self.shape, aorta_beyond=self.aorta_beyond)
            data[self.output_key] = MetaTensor(structures[None], affine=torch.from_numpy(affine))
        return data

    def patient(self, seed: int) -> Patient:
        """The patient of a seed, as painted: in parameters alone."""
        patient, rng = draw_patient(seed), stream(seed, "moment")
        if rng.uniform() >= self.moments:
            return patient
        return Beat(patient).at(float(rng.uniform(*(SYSTOLIC if rng.uniform() < 0.5 else (0, 100))))).patient


class RandScand(Randomizable, Transform):
    """Structure map -> image and label: a new scan of the same patient at every call.

    Args:
        key: the entry that holds the structure map (1, D0, D1, D2) uint8, a MetaTensor; it is taken out.
        image_key: receives the image, MetaTensor (1, D0, D1, D2) float32, HU.
        label_key: receives the labels, MetaTensor (1, D0, D1, D2).
        labels: values of what is labelled, by the names of `structures.LABELLED`; the default is 1 = LA, 2 = LV.
        closed_leaflets: see `structures.label_map`.
        protocol: what scans are drawn from; the default is made for training.
    """

    def __init__(
        self,
        key: str = "structures",
        image_key: str = "image",
        label_key: str = "label",
        protocol: Protocol | None = None,
        labels: Mapping[str, int] = LEFT_HEART_LABELS,
        closed_leaflets: bool = False,
    ) -> None:
        self.key, self.image_key, self.label_key = key, image_key, label_key
        self.labels, self.closed_leaflets = dict(labels), closed_leaflets
        self.protocol = protocol or Protocol()

    def randomize(self, data: Any = None) -> None:
        """Draw the seed of the next scan."""
        self.seed = int(self.R.randint(2**31 - 1))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        data = dict(data)
        self.randomize()
        structures = data.pop(self.key)
        affine = structures.affine
        spacing = spacing_of(affine).tolist()
        # spatial transforms may have turned the map into floats
        plain = structures.as_tensor()[0].round().to(torch.uint8)
        acquisition = self.protocol.draw(np.random.default_rng(self.seed))
        made = scan(plain, spacing, acquisition, torch.Generator(plain.device).manual_seed(self.seed))
        data[self.image_key] = MetaTensor(made.image[None], affine=affine)
        labels = label_map(made.structures, self.labels, self.closed_leaflets)
        data[self.label_key] = MetaTensor(labels[None], affine=affine)
        return data
