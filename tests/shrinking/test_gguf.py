"""A smaller Llama as a GGUF file: what transformers reads of it is the model that was written."""

import gguf
import numpy as np
import pytest
import torch
from tokenizers import Regex
from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split
from transformers import AutoModelForCausalLM, AutoTokenizer, BertTokenizerFast

from finegates.errors import ModelError
from finegates.models import gguf_tokens
from finegates.models.gguf_files import unpack_gguf
from finegates.models.gguf_tokens import tokens_of
from finegates.nn.attach import attach_gates, gates_of
from finegates.shrinking.gguf import export_gguf
from finegates.shrinking.plain import per_layer, plain
from tests.shrinking.test_decoders import EXACT, ROPES, difference, gated
from tests.tiny_gguf import SPECIAL, TEMPLATE, tiny_tokenizer
from tests.toy_models import toy_language_model, toy_model, with_closed

TEXTS = ["hello 2026", "he  said: hello", "<|im_start|>12<|im_end|>"]
TOKENS = 263


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return tiny_tokenizer(tmp_path_factory.mktemp("tokenizer"))


def uneven(**changes):
    """A Llama of two layers with unequal numbers of neurons and heads left."""
    closed = {"0.neurons.whole": range(10), "1.heads.whole": [0]}
    return with_closed(toy_language_model(vocab_size=TOKENS, **changes), ("plain",), closed)


def tensors_of(path):
    return {one.name: torch.tensor(one.data) for one in gguf.GGUFReader(path).tensors}


def value(path, key):
    return gguf.GGUFReader(path).fields[key].contents()


def halves(rows, width=6):
    """Rows of heads as transformers has them."""
    return rows.unflatten(0, (-1, width // 2, 2)).transpose(1, 2).flatten(0, 2)


@pytest.mark.parametrize("tied", [False, True])
def test_transformers_reads_the_plain_models_logits_and_tokens(tokenizer, tied, tmp_path):
    model = gated(
        closed=0.5, units=("plain",), changes={"vocab_size": TOKENS, "tie_word_embeddings": tied}
    ).float()  # fmt: skip
    export_gguf(plain(model), tokenizer, tmp_path / "model.gguf")
    unpack_gguf(tmp_path / "model.gguf", tmp_path)
    again = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert again.config.num_key_value_heads == plain(model).config.num_key_value_heads
    assert again.config.head_dim == 6 and again.config.tie_word_embeddings == tied
    assert difference(model, again) < 1e-5
    read = AutoTokenizer.from_pretrained(tmp_path)
    assert read(TEXTS)["input_ids"] == tokenizer(TEXTS)["input_ids"]
    assert read.chat_template == TEMPLATE and read.eos_token == tokenizer.eos_token


def test_the_files_facts_are_those_of_model_and_tokenizer(tokenizer, tmp_path):
    path = tmp_path / "model.gguf"
    export_gguf(plain(gated(units=("plain",), changes={"vocab_size": TOKENS + 2})), tokenizer, path)
    assert value(path, "general.architecture") == "llama"
    assert value(path, "llama.attention.key_length") == 6
    assert value(path, "llama.rope.dimension_count") == 6
    assert value(path, "tokenizer.ggml.pre") == "smollm"
    assert value(path, "tokenizer.ggml.add_bos_token") is False
    kinds = value(path, "tokenizer.ggml.token_type")
    assert kinds[: len(SPECIAL)] == [gguf.TokenType.CONTROL] * len(SPECIAL)
    assert kinds[-3:] == [gguf.TokenType.NORMAL] + [gguf.TokenType.UNUSED] * 2


@pytest.mark.parametrize("changes", [{}, {"attention_bias": True, "mlp_bias": True}])
def test_layers_of_unequal_sizes_are_lists(changes, tokenizer, tmp_path):
    model, path = uneven(**changes), tmp_path / "model.gguf"
    smaller = per_layer(model)
    assert difference(model.double(), smaller.double()) < EXACT
    smaller.float()
    export_gguf(smaller, tokenizer, path)
    assert value(path, "general.architecture") == "deci"
    assert value(path, "deci.feed_forward_length") == [22, 32]
    assert value(path, "deci.attention.head_count") == [4, 2]
    assert value(path, "deci.attention.head_count_kv") == [2, 1]
    written = tensors_of(path)
    parts = ("bias", "weight") if changes else ("weight",)
    assert len(written) == 1 + 2 * (2 + 7 * len(parts)) + 2
    for number, layer in enumerate(smaller.model.layers):
        for part in parts:
            names = {"attn_k": layer.self_attn.k_proj, "attn_q": layer.self_attn.q_proj}
            for name, module in names.items():
                rows = written[f"blk.{number}.{name}.{part}"]
                assert torch.equal(halves(rows), getattr(module, part))
            down = written[f"blk.{number}.ffn_down.{part}"]
            assert torch.equal(down, getattr(layer.mlp.down_proj, part))


@pytest.mark.parametrize("rope", ["llama3", "linear"])
def test_angles_that_are_no_powers_are_told_by_factors(rope, tokenizer, tmp_path):
    changes = {
        "rope_parameters": {"rope_theta": 100.0, **ROPES[rope]}, "vocab_size": TOKENS,
    }  # fmt: skip
    model = toy_language_model(**changes)
    export_gguf(plain(model), tokenizer, tmp_path / "model.gguf")
    factors = tensors_of(tmp_path / "model.gguf")["rope_freqs.weight"]
    powers = 100.0 ** -(torch.arange(0, 6, 2) / 6)
    assert torch.allclose(powers / factors, model.model.rotary_emb.inv_freq)


def test_layers_without_heads_or_neurons_keep_one_of_zeros(tokenizer, tmp_path):
    model = toy_language_model(vocab_size=TOKENS)
    attach_gates(model, units=("plain",))
    gates_of(model).close_exactly(np.ones(gates_of(model).layout.num_gates, dtype=bool))
    export_gguf(per_layer(model), tokenizer, tmp_path / "model.gguf")
    written = tensors_of(tmp_path / "model.gguf")
    assert written["blk.0.attn_v.weight"].shape == (6, 16)
    assert written["blk.0.ffn_up.weight"].shape == (1, 16)
    assert not written["blk.0.attn_v.weight"].any()


def test_what_the_format_can_not_say_is_one_sentence(tokenizer, tmp_path):
    yarn = {"rope_parameters": {"rope_theta": 100.0, **ROPES["yarn"]}}
    for model, words in (
        (toy_model("llama"), "is a LlamaForSequenceClassification"),
        (toy_language_model("qwen3"), "is a Qwen3ForCausalLM"),
        (toy_language_model(hidden_act="gelu"), "has neurons of kind gelu"),
        (toy_language_model(**yarn), "has angles of kind yarn"),
    ):
        with pytest.raises(ModelError, match=words):
            export_gguf(model, tokenizer, tmp_path / "model.gguf")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ModelError, match="only a decoder's layers"):
        per_layer(toy_model("bert"))


def test_other_tokenizers_are_refused():
    words = BertTokenizerFast(vocab={"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "a": 4})
    with pytest.raises(ModelError, match="does not merge pairs of bytes"):
        tokens_of(words, 5)


def test_other_ways_to_split_are_refused_and_llama_3s_is_known(tokenizer):
    before = tokenizer.backend_tokenizer.pre_tokenizer
    whole = ByteLevel(add_prefix_space=False, use_regex=False)
    try:
        for regex, name in ((gguf_tokens._WORDS_OF_LLAMA_3, "llama-bpe"), (r"\d", None)):
            steps = Sequence([Split(Regex(regex), "isolated"), whole])
            tokenizer.backend_tokenizer.pre_tokenizer = steps
            if name:
                assert tokens_of(tokenizer, TOKENS).splits == name
            else:
                with pytest.raises(ModelError, match="has no name here"):
                    tokens_of(tokenizer, TOKENS)
    finally:
        tokenizer.backend_tokenizer.pre_tokenizer = before
