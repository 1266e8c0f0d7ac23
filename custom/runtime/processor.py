"""What the processor can do."""

from __future__ import annotations

import torch


def native_bfloat16(device: torch.device | str) -> bool:
    """Whether a device multiplies bfloat16 itself, faster than float32: CUDA, and CPUs with AMX or AVX512-BF16."""
    if str(device) != "cpu":
        return str(device).startswith("cuda")
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
