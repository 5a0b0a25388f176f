"""Writes a Llama as a GGUF file, which llama.cpp and what is built on it run.

Layers of equal sizes are the format's architecture ``llama``. Unequal ones are ``deci``: the same
layers, with heads and neurons of each in a list.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from finegates.errors import ModelError
from finegates.models.gguf_tokens import Tokens, tokens_of
from finegates.shrinking.plain_decoder import sizes_of_layers

_OUTSIDE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
_IN_A_LAYER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""transformers' names of a Llama's modules -> the format's."""
_ROTATED = ("attn_q", "attn_k")
_ROPES = ("default", "linear", "llama3")
"""Kinds of angles that are one number for each pair at every length."""


def check_gguf(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Checks that a gated or plain model can be told in the format.

    Raises:
        ModelError: If it is no causal language model of type llama, its neurons or angles are of
            another kind, its tokenizer can't be written, or the package gguf is missing.
    """
    config = model.config
    rope = config.to_dict().get("rope_parameters", {}).get("rope_type", "default")
    checks = {
        f"is a {type(model).__name__}": config.model_type == "llama" and model.can_generate(),
        f"has neurons of kind {getattr(config, 'hidden_act', None)}":
            getattr(config, "hidden_act", None) == "silu",
        f"has angles of kind {rope}": rope in _ROPES,
    }  # fmt: skip
    for what, fits in checks.items():
        if not fits:
            raise ModelError(
                f"This model {what}; a GGUF file can be written of a causal language model of type "
                f"llama with neurons of kind silu and angles of kind {', '.join(_ROPES)}."
            )
    tokens_of(tokenizer, config.vocab_size)
    _gguf()


def export_gguf(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, path: Path) -> None:
    """Writes a model in float32; other programs make fewer bits of that.

    Args:
        model: A stock Llama, of layers that are equal (`finegates.shrinking.plain.plain`) or not
            (`finegates.shrinking.plain.per_layer`).
        tokenizer: Its tokenizer.
        path: The file.

    Raises:
        ModelError: As `check_gguf`.
    """
    check_gguf(model, tokenizer)
    sizes = sizes_of_layers(model)
    writer = _gguf().GGUFWriter(path, "llama" if len({*sizes}) == 1 else "deci")
    _write_sizes(writer, model)
    _write_tokens(writer, tokens_of(tokenizer, model.config.vocab_size))
    for name, tensor in _tensors(model):
        writer.add_tensor(name, tensor.detach().float().contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _gguf() -> Any:
    try:
        import gguf
    except ImportError as error:
        raise ModelError(
            "Writing a GGUF file needs the package gguf; pip install 'finegates[gguf]'."
        ) from error
    return gguf


def _write_sizes(writer: Any, model: PreTrainedModel) -> None:
    config, sizes = model.config, sizes_of_layers(model)
    width = sizes[0].width
    writer.add_file_type(_gguf().LlamaFileType.ALL_F32)
    writer.add_block_count(len(sizes))
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_vocab_size(config.vocab_size)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_rope_dimension_count(width)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_feed_forward_length(_one_or_each([one.neurons for one in sizes]))
    writer.add_head_count(_one_or_each([one.groups * one.served for one in sizes]))
    writer.add_head_count_kv(_one_or_each([one.groups for one in sizes]))


def _one_or_each(numbers: list[int]) -> int | list[int]:
    return numbers[0] if len({*numbers}) == 1 else numbers


def _write_tokens(writer: Any, tokens: Tokens) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(tokens.splits)
    writer.add_token_list(tokens.texts)
    writer.add_token_types([_gguf().TokenType[kind] for kind in tokens.kinds])
    writer.add_token_merges(tokens.merges)
    writer.add_add_bos_token(tokens.starts_with_bos)
    for name, number in tokens.special.items():
        getattr(writer, f"add_{name}_token_id")(number)
    if tokens.chat_template is not None:
        writer.add_chat_template(tokens.chat_template)


def _tensors(model: PreTrainedModel) -> Iterator[tuple[str, Tensor]]:
    """Every tensor by its name in the format; one that is tied is there once."""
    width = sizes_of_layers(model)[0].width
    for name, parameter in model.named_parameters():
        module, _, kind = name.rpartition(".")
        told = _OUTSIDE.get(module)
        if told is None:
            number, _, inside = module.removeprefix("model.layers.").partition(".")
            told = f"blk.{number}.{_IN_A_LAYER[inside]}"
        rotated = told.endswith(_ROTATED)
        yield f"{told}.{kind}", _neighbours(parameter, width) if rotated else parameter
    factors = _angle_factors(model, width)
    if not torch.allclose(factors, torch.ones_like(factors)):
        yield "rope_freqs.weight", factors


def _neighbours(rows: Tensor, width: int) -> Tensor:
    """Rows of heads with both dimensions of a rotated pair side by side.

    transformers has the first dimensions of all pairs of a head, then their second.
    """
    return rows.unflatten(0, (-1, 2, width // 2)).transpose(1, 2).flatten(0, 2)


def _angle_factors(model: PreTrainedModel, width: int) -> Tensor:
    """By what the angle of each pair is smaller than the rotation's base makes it."""
    base = model.config.rope_parameters["rope_theta"]
    usual = base ** -(torch.arange(0, width, 2, dtype=torch.float64) / width)
    rotary: Any = model.get_submodule("model.rotary_emb")
    return (usual / rotary.inv_freq.double()).float()
