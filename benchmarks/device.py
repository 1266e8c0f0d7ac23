"""What the GPU is, and whether it computes at all: `python -m benchmarks.device` prints JSON, or ends with 1."""

from __future__ import annotations

import json
import sys

import torch
from torch.nn import functional as F


def main() -> None:
    """Look, convolve, compare with the CPU, and print."""
    if not torch.cuda.is_available():
        sys.exit(f"torch {torch.__version__} sees no CUDA device")
    properties = torch.cuda.get_device_properties(0)
    image, kernel = torch.randn(1, 8, 32, 32, 32), torch.randn(8, 8, 3, 3, 3)
    expected = F.conv3d(image, kernel)
    with torch.backends.cudnn.flags(allow_tf32=False):
        error = (F.conv3d(image.cuda(), kernel.cuda()).cpu() - expected).abs().max()
    print(
        json.dumps(
            {
                "name": properties.name,
                "count": torch.cuda.device_count(),
                "capability": [properties.major, properties.minor],
                "memory_gib": round(properties.total_memory / 2**30, 1),
                "torch": torch.__version__,
                "cuda": torch.version.cuda,
                "error_of_a_convolution": float(error),
            },
            indent=2,
        )
    )
    if error > 1e-3:
        sys.exit("the device computes another convolution than the CPU")


if __name__ == "__main__":
    main()
