"""Put a stand-in for torchvision into this environment where torchvision cannot run beside its torch.

The registry's torchvision is built for CUDA, and beside a CPU build of torch its import fails (`operator
torchvision::nms does not exist`). MONAI Label imports two of its functions, and calls neither to serve a bundle.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

UTILS = '''"""Stands in for torchvision beside a CPU build of torch: enough for MONAI Label's imports."""


def make_grid(*args, **kwargs):
    raise NotImplementedError("torchvision does not run in this environment")


save_image = make_grid
'''


def main() -> None:
    """Look whether torchvision can be imported, and replace it where it cannot."""
    if subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True).returncode == 0:
        return
    subprocess.run([sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", "torchvision"], check=True)
    package = Path(sysconfig.get_path("purelib")) / "torchvision"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "utils.py").write_text(UTILS)
    print("torchvision does not run beside this torch: a stand-in takes its place")


if __name__ == "__main__":
    main()
