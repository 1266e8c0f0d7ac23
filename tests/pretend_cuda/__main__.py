"""See the package: runs a module, as `python -m` does, in a process that has CUDA devices."""

import argparse
import runpy
import sys

from pretend_cuda import MEMORY, install


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pretend_cuda")
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--memory", type=int, default=MEMORY, help="MiB of each device")
    parser.add_argument("-m", dest="module", nargs=argparse.REMAINDER, required=True, metavar="PACKAGE")
    options = parser.parse_args()
    install(options.devices, options.memory)
    sys.argv = options.module
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
