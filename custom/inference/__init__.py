"""From CT files to chamber meshes, label maps, reports and previews: what `inference.json` puts together."""

from ..inputs import InputError
from .assessment import AssessMeshesd
from .cases import find_cases
from .directions import CheckDirections
from .evaluator import CaseDataset, CaseEvaluator
from .inferer import MaskInferer, SurfaceInferer
from .isosurfaces import MasksToMeshesd
from .locating import CropAroundd, LocateHeartd
from .monai_label import MONAILabelRequestd, MONAILabelResultd
from .outputs import Outputs
from .postprocessing import MeshesToLabelMapd, SaveCased, UntangleMeshesd, VerticesToMeshesd, WithdrawStraysd
from .ranks import join_ranks, share
from .reading import LoadCTd
from .refinement import Fairing, Subdivision, TowardsSegmentation
from .workflow import check_cases, conclude

__all__ = [
    "AssessMeshesd",
    "CaseDataset",
    "CaseEvaluator",
    "CheckDirections",
    "CropAroundd",
    "Fairing",
    "InputError",
    "LoadCTd",
    "LocateHeartd",
    "MONAILabelRequestd",
    "MONAILabelResultd",
    "MaskInferer",
    "MasksToMeshesd",
    "MeshesToLabelMapd",
    "Outputs",
    "SaveCased",
    "Subdivision",
    "SurfaceInferer",
    "TowardsSegmentation",
    "UntangleMeshesd",
    "VerticesToMeshesd",
    "WithdrawStraysd",
    "check_cases",
    "conclude",
    "find_cases",
    "join_ranks",
    "share",
]
