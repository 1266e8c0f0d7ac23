"""`python with_memory.py MIB MODULE ARGUMENTS`: runs a module in a process that may use so much of a real GPU."""

import runpy
import sys

import torch

if __name__ == "__main__":
    _, memory, *sys.argv = sys.argv
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(int(memory) * 2**20 / total)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
