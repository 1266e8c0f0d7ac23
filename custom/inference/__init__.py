"""From CT files to chamber meshes, label maps, reports and previews: what `inference.json` puts together.

A case walks through these rooms as a :class:`record.Record`, which tells what each step adds to it:

================ ======================================================================================================
`custom.reading` which images a call means (`find_cases`), and one of them as a CT in HU (`LoadCTd`)
`locating`       where the heart is, and the crop round it; `directions`: does the anatomy run as the header says?
`phases`         a heart beat: the same steps for each of its phases
`inferer`        what the network is asked: surfaces of the crop as it is, and slightly varied
`second_look`    the same once more, round another centre, where the crop cuts the heart off
`surfaces`       the steps that make meshes in mm of these, which do not cross; label maps of them
`quality`        what is measured of each mesh, and how far it is to be trusted
`landmarks`      where valves and apex are, what is measured between them, and the regions of each mesh
`writing`        report, preview and files, all or none
================ ======================================================================================================

What joins them: `evaluator` runs the network over cases so that a bad one stops no other, `workflow` holds the ends of
the command line's call, and `monai_label` MONAI Label's way through.
"""

from ..inputs import InputError
from ..reading.discovery import find_cases
from ..reading.loading import LoadCTd
from ..runtime.ranks import join_ranks, share
from .directions import CheckDirections
from .evaluator import CaseDataset, CaseEvaluator
from .inferer import MaskInferer, SurfaceInferer
from .landmarks import FindAnatomyd
from .locating import CropAroundd, LocateHeartd
from .monai_label import MONAILabelRequestd, MONAILabelResultd
from .phases import EachPhased, PhasesOfBeatd
from .quality.assessment import AssessMeshesd
from .quality.edges import FindEdgesd
from .quality.vertex_errors import ExpectErrord
from .record import single
from .surfaces.edge_snapping import SnapToEdgesd
from .surfaces.even_triangles import EvenTrianglesd
from .surfaces.fairing import Fairing, Subdivision
from .surfaces.from_masks import MasksToMeshesd
from .surfaces.from_vertices import VerticesToMeshesd
from .surfaces.label_map import MeshesToLabelMapd
from .surfaces.motion import SmoothMotiond
from .surfaces.outliers import OutlierRemoval
from .surfaces.snapping import BoundarySnapping
from .surfaces.untangling import UntangleMeshesd
from .surfaces.valve_snapping import SnapToValvesd
from .workflow import check_cases, conclude
from .writing.beat import SaveBeatd
from .writing.outputs import Outputs
from .writing.saving import SaveCased

__all__ = [
    "AssessMeshesd",
    "BoundarySnapping",
    "CaseDataset",
    "CaseEvaluator",
    "CheckDirections",
    "CropAroundd",
    "EachPhased",
    "EvenTrianglesd",
    "ExpectErrord",
    "Fairing",
    "FindAnatomyd",
    "FindEdgesd",
    "InputError",
    "LoadCTd",
    "LocateHeartd",
    "MONAILabelRequestd",
    "MONAILabelResultd",
    "MaskInferer",
    "MasksToMeshesd",
    "MeshesToLabelMapd",
    "OutlierRemoval",
    "Outputs",
    "PhasesOfBeatd",
    "SaveBeatd",
    "SaveCased",
    "SmoothMotiond",
    "SnapToEdgesd",
    "SnapToValvesd",
    "Subdivision",
    "SurfaceInferer",
    "UntangleMeshesd",
    "VerticesToMeshesd",
    "check_cases",
    "conclude",
    "find_cases",
    "join_ranks",
    "share",
    "single",
]
