"""The other systems of the paper's comparison: networks and what they are trained as."""

from .mesh_deform_loss import MeshDeformLoss
from .mesh_deform_net import MeshDeformNet
from .mesh_training import MeshTraining
from .occupancy_network import OccupancyNetwork
from .occupancy_training import OccupancyTraining
from .segmentation_network import SegmentationNetwork
from .segmentation_training import SegmentationTraining
from .voxel2mesh import Voxel2Mesh
from .voxel2mesh_inferer import Voxel2MeshInferer
from .voxel2mesh_loss import Voxel2MeshLoss

__all__ = [
    "MeshDeformLoss",
    "MeshDeformNet",
    "MeshTraining",
    "OccupancyNetwork",
    "OccupancyTraining",
    "SegmentationNetwork",
    "SegmentationTraining",
    "Voxel2Mesh",
    "Voxel2MeshInferer",
    "Voxel2MeshLoss",
]
