"""Attention in float32 on a CPU that trains in bfloat16.

torch's kernel for attention goes back through bfloat16 in small tiles, whose packing takes longer
than their products. Both directions for 32 rows of 32 tokens and 12 heads of 32, one thread of a
CPU with avx512_bf16, torch 2.13: 25 ms in bfloat16, 5 ms in float32 (128 tokens 123 and 55, 256
tokens 240 and 180, 512 tokens 738 and 732). What is computed is the same, and more exact.
"""

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

USUAL, IN_FLOAT32 = "sdpa", "sdpa_in_float32"
LONGEST = 256
"""Tokens; in longer rows it is not faster, and takes more memory."""


def choose_attention(model: PreTrainedModel, accelerator: Accelerator) -> None:
    """Has a model that is about to be trained attend in float32, where that is faster."""
    slow = accelerator.device.type == "cpu" and accelerator.mixed_precision == "bf16"
    if slow and model.config._attn_implementation == USUAL:
        model.set_attn_implementation(IN_FLOAT32)


def attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **options
) -> tuple[Tensor, None]:
    """As transformers' attention by torch's kernel, in float32 but for long rows.

    Args:
        module: Of a layer.
        query: (rows, heads, tokens, width); ``key`` and ``value`` may have fewer heads.
        key: As the query.
        value: As the query.
        mask: Boolean, or added to the scores.
        options: Of transformers.

    Returns:
        What is read, (rows, tokens, heads, width), in the query's precision; no weights.
    """
    if max(query.shape[-2], key.shape[-2]) > LONGEST:
        return sdpa_attention_forward(module, query, key, value, mask, **options)
    if mask is not None and mask.is_floating_point():
        mask = mask.float()
    with torch.autocast("cpu", enabled=False):
        read, _ = sdpa_attention_forward(
            module, query.float(), key.float(), value.float(), mask, **options
        )
    return read.to(query.dtype), None


AttentionInterface.register(IN_FLOAT32, attend)
AttentionMaskInterface.register(IN_FLOAT32, sdpa_mask)
