"""From CT files to chamber meshes, label maps, reports and previews: what `inference.json` puts together."""

from ..inputs import InputError
from .cases import find_cases
from .evaluator import CaseDataset, CaseEvaluator
from .locating import CropAroundd, LocateHeartd
from .outputs import Outputs
from .postprocessing import MeshesToLabelMapd, SaveCased, UntangleMeshesd, VerticesToMeshesd
from .ranks import join_ranks, share
from .reading import LoadCTd
from .workflow import check_call, conclude

__all__ = [
    "CaseDataset",
    "CaseEvaluator",
    "CropAroundd",
    "InputError",
    "LoadCTd",
    "LocateHeartd",
    "MeshesToLabelMapd",
    "Outputs",
    "SaveCased",
    "UntangleMeshesd",
    "VerticesToMeshesd",
    "check_call",
    "conclude",
    "find_cases",
    "join_ranks",
    "share",
]
