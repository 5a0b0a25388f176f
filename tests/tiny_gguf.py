"""A Llama of 2 layers x 32 in a GGUF file of 4-bit weights, and a package that brings it."""

import zipfile
from pathlib import Path

import gguf
import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from finegates.models.gguf_files import unpack_gguf

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MERGES = ("Ġ Ġ", "h e", "l l", "he ll")
TEMPLATE = "{% for message in messages %}<|im_start|>{{ message['content'] }}{% endfor %}"
LAYERS, HEADS, KEY_VALUE_HEADS, POSITIONS = 2, 4, 2, 64
NEVER_RUN = "raise RuntimeError('this package is not to be imported')\n"
_TOKENS = (*SPECIAL, *sorted(ByteLevel.alphabet()), *(merge.replace(" ", "") for merge in MERGES))
_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "model.layers": "blk",
}


@torch.no_grad()
def write_tiny_gguf(path: Path) -> LlamaForCausalLM:
    """Writes the file; the model that is given back has what four bits leave of its weights."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(_TOKENS), hidden_size=32, intermediate_size=64, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=KEY_VALUE_HEADS, tie_word_embeddings=True,
        max_position_embeddings=POSITIONS, rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 1000.0},
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    writer = gguf.GGUFWriter(path, "llama")
    _write_facts(writer, config)
    for name, weights in model.named_parameters():
        weights.copy_(torch.randn_like(weights) / weights.shape[-1] ** 0.5)
        _write_weights(writer, name.removesuffix(".weight"), weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return model


def _write_facts(writer: gguf.GGUFWriter, config: LlamaConfig) -> None:
    writer.add_block_count(LAYERS)
    writer.add_context_length(POSITIONS)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_VALUE_HEADS)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(_TOKENS)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_token_types([control if token in SPECIAL else normal for token in _TOKENS])
    writer.add_token_merges(MERGES)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)


def _write_weights(writer: gguf.GGUFWriter, name: str, weights: torch.Tensor) -> None:
    """The file has a head's rows in pairs of one angle; transformers has halves of the head."""
    heads = {"q_proj": HEADS, "k_proj": KEY_VALUE_HEADS}.get(name.split(".")[-1])
    for ours, theirs in _NAMES.items():
        name = name.replace(ours, theirs)
    if weights.ndim == 1:
        writer.add_tensor(f"{name}.weight", weights.numpy())
        return
    kind = gguf.GGMLQuantizationType.Q4_1  # of rows, each by itself
    left = gguf.dequantize(gguf.quantize(weights.numpy(), kind), kind)
    rows = weights.unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2) if heads else weights
    packed = gguf.quantize(rows.contiguous().numpy(), kind)
    writer.add_tensor(f"{name}.weight", packed, raw_dtype=kind)
    weights.copy_(torch.from_numpy(left))


def write_wheel(folder: Path, package: str, version: str, file: Path) -> Path:
    """A wheel with this file in it, which pip takes; its code must not be run."""
    info = f"{package}-{version}.dist-info"
    wheel = folder / f"{package}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as files:
        files.write(file, f"{package}/{file.name}")
        files.writestr(f"{package}/__init__.py", NEVER_RUN)
        files.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
            "Requires-Dist: finegates-no-such-package\n",
        )
        files.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        files.writestr(f"{info}/RECORD", "")
    return wheel


def tiny_tokenizer(folder: Path):
    """The tokenizer of `write_tiny_gguf`, unpacked into a folder."""
    write_tiny_gguf(folder / "tiny.gguf")
    unpack_gguf(folder / "tiny.gguf", folder)
    return AutoTokenizer.from_pretrained(folder)
