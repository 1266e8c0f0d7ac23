"""The systems that the paper compares with, on the same data, augmentation, engine and U-Net."""

from .mesh_deform_net.loss import MeshDeformLoss
from .mesh_deform_net.network import MeshDeformNet
from .mesh_training import MeshTraining
from .occupancy_network import OccupancyNetwork
from .occupancy_training import OccupancyTraining
from .segmentation_network import SegmentationNetwork
from .segmentation_training import SegmentationTraining
from .voxel2mesh.inferer import Voxel2MeshInferer
from .voxel2mesh.loss import Voxel2MeshLoss
from .voxel2mesh.network import Voxel2Mesh

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
