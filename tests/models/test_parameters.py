"""Claims about counts: the table of the paper's configurations, number by number."""

import pytest

from finegates.errors import ModelError
from finegates.gates.laws import GaussianLaw
from finegates.methods import METHODS
from finegates.methods.method import LEARNED
from finegates.models.parameters import method_params, parameter_table
from finegates.models.sources import KNOWN_CONFIGS
from finegates.models.sparse_sizes import returning_params
from finegates.nn.attach import attach_gates
from finegates.nn.gated_linear import LowRank
from finegates.spec import make_spec
from tests.toy_models import MODEL_TYPES, toy_model

# As in arXiv 2412.12951, classifier head and biases not counted. Those from SpaRTA on, by hand:
# SpaRTA: 24 matrices of 768 x 768, 1% of 589,824 is 5,898; 48 of 1024 x 1024, 1% is 10,486.
# Compacter, base: 768 // 24 = 32 wide; down 768 + 32 with a bias of 32, up 32 + 768 with one of 768
# are 2,400; 24 of them (++: 12), A of 4^3, and 24 layer norms of 2 x 768 = 36,864.
# Large: 1024 // 32 = 32 wide, 3 x 1056 = 3,168 each; 48 (++: 24), A, 48 norms of 2 x 1024 = 98,304.
COMPACTER = "Compacter n=4, its biases and the layer norms counted, as its authors do"
COMPACTER_PP = "Compacter++ n=4, its biases and the layer norms counted, as its authors do"
# By hand. LoRETTA, base: a train of 8 8 12 8 8 at rank 5 has 40 + 25 x (8 + 12 + 8) + 40 = 780; two
# and the biases 64 + 768 are 2,392, 24 of them; one of 8 8 12 8 has 580, two on each of 24 more.
# AdaMix: 768 x 16 down with 16 biases, 4 or 1 times, and 16 x 768 up with 768, in 12 layers.
LORETTA_ADP = "LoRETTA adapters 64 wide, tensor-train rank 5, after attention and FFN output"
LORETTA_REP = "LoRETTA r=8, tensor-train rank 5, on q, v"
ADAMIX = "AdaMix 16 wide after FFN output, its 4 experts as trained"
ADAMIX_KEPT = "AdaMix 16 wide after FFN output, its experts averaged, as kept"
ADAMIX_LORA = "AdaMix LoRA r=8 on q, v, its 4 experts as trained"
ADAMIX_LORA_KEPT = "AdaMix LoRA r=8 on q, v, its experts averaged, as kept"
# SaRA: 1% of 84,934,656 and of 301,989,888. Subset, base: 12 x (4 x 5,898 + 2 x 23,593), as 1% of
# 768 x 3072 is 23,592.96; large: 24 x (4 x 10,486 + 2 x 41,943). Shears, base: r x 12 x (3 x 1,536
# + 2 x 3,840); large: r x 24 x (3 x 2,048 + 2 x 5,120).
SARA = "SaRA, the smallest 1% of all six together"
SUBSET = "Dynamic Subset Tuning, 1% of each of all six"
SHEARS = "Shears r=32 on q, k, v, FFN, trained"
SHEARS_KEPT = "Shears r=24 on q, k, v, FFN, kept"
EXPECTED = {
    "roberta-base": {
        "finegates: gates on inputs and outputs of all six matrices": 165_888,
        "finegates w/o W_I, W_O: one gate vector on each of q, k, v, o": 36_864,
        "LoRA r=8 on all six + one gate vector on each": 1_410_048,
        "LoRA r=8 on q, k, v, o + one gate vector on each": 626_688,
        "LoRA r=8 on q, v": 294_912,
        "VeRA r=1024 on q, v": 43_008,
        "LoRA-XS r=25 on q, v, attention output, FFN output": 30_000,
        "SpaRTA 1% of v, o": 141_552,
        COMPACTER: 94_528,
        COMPACTER_PP: 65_728,
        "ETHER on q, v": 18_432,
        "ETHER+ on q, v": 73_728,
        "MELoRA r=8, n=2 on q, v": 294_912,
        "MELoRA r=1, n=8 on q, v": 36_864,
        "PoLAR r=8 on all six": 1_331_712,
        "LoRTA r=4 on q, k, v, o": 3_440,
        LORETTA_ADP: 57_408,
        LORETTA_REP: 27_840,
        ADAMIX: 747_264,
        ADAMIX_KEPT: 304_320,
        ADAMIX_LORA: 737_280,
        ADAMIX_LORA_KEPT: 294_912,
        SARA: 849_347,
        SUBSET: 849_336,
        SHEARS: 4_718_592,
        SHEARS_KEPT: 3_538_944,
        "CoFi: gates on heads, neurons, sublayers and dimensions, beside all weights": 37_800,
    },
    "roberta-large": {
        "finegates: gates on inputs and outputs of all six matrices": 442_368,
        "finegates w/o W_I, W_O: one gate vector on each of q, k, v, o": 98_304,
        "LoRA r=8 on all six + one gate vector on each": 3_760_128,
        "LoRA r=8 on q, k, v, o + one gate vector on each": 1_671_168,
        "LoRA r=8 on q, v": 786_432,
        "VeRA r=256 on q, v": 61_440,
        "LoRA-XS r=25 on q, v, attention output, FFN output": 60_000,
        "SpaRTA 1% of v, o": 503_328,
        COMPACTER: 250_432,
        COMPACTER_PP: 174_400,
        "ETHER on q, v": 49_152,
        "ETHER+ on q, v": 196_608,
        "MELoRA r=8, n=2 on q, v": 786_432,
        "MELoRA r=1, n=8 on q, v": 98_304,
        "PoLAR r=8 on all six": 3_548_160,
        "LoRTA r=4 on q, k, v, o": 4_528,
        LORETTA_ADP: 132_864,
        LORETTA_REP: 61_440,
        ADAMIX: 1_992_192,
        ADAMIX_KEPT: 811_392,
        ADAMIX_LORA: 1_966_080,
        ADAMIX_LORA_KEPT: 786_432,
        SARA: 3_019_899,
        SUBSET: 3_019_920,
        SHEARS: 12_582_912,
        SHEARS_KEPT: 9_437_184,
        "CoFi: gates on heads, neurons, sublayers and dimensions, beside all weights": 99_760,
    },
}
GATED_WEIGHTS = {"roberta-base": 84_934_656, "roberta-large": 301_989_888}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_counts_are_those_of_the_paper(name):
    table = parameter_table(KNOWN_CONFIGS[name])
    counts = {row["configuration"]: row["trainable_params"] for row in table["rows"]}
    assert counts == EXPECTED[name]
    assert table["num_gated_weights"] == GATED_WEIGHTS[name]


@pytest.mark.parametrize("size", ["base", "large"])
def test_bert_of_the_same_sizes_has_the_same_counts(size):
    bert, roberta = KNOWN_CONFIGS[f"bert-{size}-uncased"], KNOWN_CONFIGS[f"roberta-{size}"]
    assert parameter_table(bert) == parameter_table(roberta)


@pytest.mark.parametrize("change", [{"hidden_size": "768"}, {"num_attention_heads": 0}])
def test_a_size_that_is_no_whole_number_is_named(change):
    with pytest.raises(ModelError, match=next(iter(change))):
        parameter_table({**KNOWN_CONFIGS["roberta-base"], **change})


def test_a_config_without_a_size_is_named():
    config = {k: v for k, v in KNOWN_CONFIGS["roberta-base"].items() if k != "hidden_size"}
    with pytest.raises(ModelError, match="hidden_size"):
        parameter_table(config)


# RoBERTa-base: H = 768, I = 3072, 12 layers.
METHOD_PARAMS = {
    "finegates": 165_888,  # gates: 12 x (4 x (H + H) + 2 x (H + I))
    "finegates+lora": 1_492_992,  # those, and r = 8 on all six: 8 x 165,888
    "finegates+full": 124_220_928,  # gates, and everything below the head, as full
    "finegates+lora-outside": 1_492_992,
    "finegates-attention": 36_864,
    "finegates-one-vector": 82_944,  # 12 x (5 x H + I)
    "finegates+lora-one-vector": 1_410_048,
    "finegates+lora-attention": 626_688,
    "graspruned": 1_364_112,  # 12 x (12 + 3072) gates, and r = 8 on all six
    "cofi": 124_092_840,  # everything, and 12 x (12 + 3072 + 2) + 768 gates
    "finegates-hinge": 165_888,
    "finegates-official": 165_888,
    "magnitude": 1_327_104,  # r = 8 on all six; its gates are not trained
    "sensitivity": 1_327_104,
    # 50265 + 514 + 1 rows of H and a norm of 2 H: 39,000,576; layers: 84,934,656 weights, biases of
    # 12 x (5 H + I) = 82,944, norms of 36,864. No pooler.
    "magnitude-full": 124_055_040,
    "sensitivity-full": 124_055_040,
    "importance": 1_327_104,  # r = 8 on all six; its gates are not trained
    "lora-importance": 1_327_104,
    "full": 124_055_040,
    "lora": 294_912,  # 24 x 8 x (H + H)
    "lora-fa": 147_456,  # 24 x 8 x H
    "vera": 43_008,  # 24 x (H + 1024)
    "lora-xs": 30_000,  # 48 x 25 x 25
    "sparta": 141_552,  # 24 x 5,898
    "compacter": 57_664,  # 24 x 2,400 + 64
    "compacter++": 28_864,  # 12 x 2,400 + 64
    "ether": 18_432,  # 24 x H
    "ether+": 73_728,  # 24 x 2 x (H + H)
    "melora": 294_912,  # as lora: 24 x 2 x 8 x (H / 2 + H / 2)
    "polar": 1_331_712,  # 8 x 165,888, and 72 x 8 x 8
    "lorta": 3_440,  # 4 x (H + 64 + 12 heads + 4 roles + 12 layers)
    "loretta-adp": 57_408,  # 24 x (2 x 780 + 64 + H)
    "loretta-rep": 27_840,  # 24 x 2 x 580
    "adamix": 747_264,  # 12 x (4 x 16 x (H + 1) + 16 x H + H)
    "adamix-lora": 737_280,  # 24 x 8 x (4 H + H)
    "sara": 849_347,  # 1% of 84,934,656
    "dynamic-subset": 849_336,  # 12 x (4 x 5,898 + 2 x 23,593)
    "shears": 4_718_592,  # 32 x 12 x (3 x 2 H + 2 x (H + I))
}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_trains_what_its_formula_says_of_roberta_base(name):
    config = {**KNOWN_CONFIGS["roberta-base"], "type_vocab_size": 1}
    assert method_params(make_spec({"method": name}), config) == METHOD_PARAMS[name]


@pytest.mark.parametrize(
    ("model", "settings", "count"),
    [
        ("roberta-base", {"method": "adamix", "bottleneck_width": 48}, 2_223_360),
        ("roberta-large", {"method": "adamix", "bottleneck_width": 48}, 5_927_424),
        # averaged; the authors print 0.9M, of BERT-base
        ("roberta-base", {"method": "adamix", "bottleneck_width": 48, "num_experts": 1}, 894_528),
        ("roberta-base", {"method": "loretta-adp", "tensor_train_rank": 8}, 112_128),
        ("roberta-base", {"method": "loretta-rep", "tensor_train_rank": 8}, 67_584),
    ],
)
def test_other_sizes_of_the_authors_are_counted_by_the_same_formulas(model, settings, count):
    assert method_params(make_spec(settings), KNOWN_CONFIGS[model]) == count


def test_what_a_subset_sets_back_is_in_memory_and_is_not_counted():
    config, spec = KNOWN_CONFIGS["roberta-base"], make_spec({"method": "dynamic-subset"})
    assert returning_params(spec, config) + method_params(spec, config) == 84_934_656
    assert returning_params(make_spec({"method": "sparta"}), config) == 0


@pytest.mark.parametrize("model_type", MODEL_TYPES)
@pytest.mark.parametrize("name", [n for n, m in METHODS.items() if m.removes and not m.adapter])
def test_a_gated_method_trains_what_its_formula_says(name, model_type):
    model, spec = toy_model(model_type), make_spec({"method": name})
    gates = attach_gates(
        model,
        GaussianLaw(),
        target_modules=spec.target_modules,
        sides=spec.gate_sides,
        units=spec.gate_units,
        lora_rank=spec.lora_rank,
    )
    trained = [p for m in model.modules() if isinstance(m, LowRank) for p in m.parameters()]
    trained += [gates.parameter] if METHODS[name].gates == LEARNED else []
    expected = sum(p.numel() for p in trained)
    assert method_params(spec, model.config.to_dict()) == expected


@pytest.mark.parametrize("model_type", MODEL_TYPES)
@pytest.mark.parametrize("change", [{}, {"embedding_size": 8}], ids=["", "narrow embeddings"])
def test_full_fine_tuning_counts_all_below_the_head(model_type, change):
    model = toy_model(model_type, **change)
    counted = method_params(make_spec({"method": "full"}), model.config.to_dict())
    assert counted == model.base_model.num_parameters()


SMOLLM2_135M = {
    "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
    "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49_152,
}  # fmt: skip


def test_a_decoders_gates_are_its_structures_and_its_table_names_them():
    table = parameter_table(SMOLLM2_135M)
    counts = {row["configuration"]: row["trainable_params"] for row in table["rows"]}
    # 30 x (1,536 neurons + 3 x 64 values + 3 x 32 pairs)
    assert counts.pop("finegates: one gate for each of neurons, values, pairs") == 54_720
    # 30 x (576 x 7 + 576 + 2 x 192 + 576 + 2 x 1,536 + 1,536): in and out of q k v o gate up down
    assert counts["finegates: gates on inputs and outputs of all seven matrices"] == 305_280
    assert table["num_gated_weights"] == 106_168_320
    assert method_params(make_spec({"method": "full"}), SMOLLM2_135M) == 134_515_008


def test_full_fine_tuning_asks_for_the_sizes_of_the_embeddings():
    sizes = {k: v for k, v in KNOWN_CONFIGS["roberta-base"].items() if k != "type_vocab_size"}
    with pytest.raises(ModelError, match="type_vocab_size = None"):
        method_params(make_spec({"method": "full"}), sizes)
