"""Small model folders as they lie about: in half precision, with adapters, with another tokenizer.

`build` makes one of `FOLDERS` by name, `write_rows` the texts for it.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast

from tests.toy_models import toy_model

ADDED_TOKEN = "zqfilm"
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
_NOUNS = ("film", "meal", "book", "room", "phone", "trip", "show", "song")
_GOOD, _BAD = ("bright", "lovely", "warm", "clever"), ("dull", "awful", "cold", "clumsy")
_WORDS = ("the", "was", "and", "too", *_NOUNS, *_GOOD, *_BAD, *"0123456789")
VOCABULARY = {word: number for number, word in enumerate([*_SPECIAL, *_WORDS])}
_POSITIONS = 64


def build(name: str, parent: Path) -> Path:
    """A model folder of this kind in ``parent``.

    Args:
        name: One of `FOLDERS`.
        parent: Where the folder is made.
    """
    folder = parent / name
    shutil.rmtree(folder, ignore_errors=True)
    FOLDERS[name](folder)
    return folder


def write_rows(path: Path, *, paired: bool = False, added: bool = False, rows: int = 48) -> Path:
    """A CSV of two classes in the words of `VOCABULARY`.

    Args:
        path: Of the file.
        paired: Whether a row has two texts.
        added: Whether some texts have `ADDED_TOKEN`.
        rows: How many, at most 100.
    """
    header = "sentence1,sentence2,label" if paired else "text,label"
    lines = [header]
    for row in range(rows):
        noun = ADDED_TOKEN if added and row % 3 == 0 else _NOUNS[row % len(_NOUNS)]
        word = (_GOOD if row % 2 else _BAD)[row // 2 % 4]
        text = f"the {noun} was {word} and {' '.join(str(row))}"
        second = f"the {noun} was {_GOOD[row % 4]}," if paired else ""
        lines.append(f"{text},{second}{'pos' if row % 2 else 'neg'}")
    path.write_text("\n".join(lines) + "\n")
    return path


def tokenizer(pad: bool = True) -> PreTrainedTokenizerFast:
    """Of words, with segments 0 and 1 for the two texts of a pair."""
    inner = Tokenizer(models.WordPiece(VOCABULARY, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **(names | {"pad_token": "[PAD]"} if pad else names),
    )


def edit_config(folder: Path, file: str = "config.json", **changes: Any) -> None:
    """Sets values in a JSON file of a folder."""
    path = folder / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """Writes a folder's weights again after a change in place."""
    path = folder / "model.safetensors"
    weights = {name: tensor.clone() for name, tensor in load_file(path).items()}
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})


def _save(
    folder: Path,
    model_type: str = "bert",
    tok: PreTrainedTokenizerFast | None = None,
    dtype: torch.dtype = torch.float32,
    **changes: Any,
) -> None:
    sizes = {"vocab_size": len(VOCABULARY), "max_position_embeddings": _POSITIONS}
    model = toy_model(model_type, pad_token_id=0, **{**sizes, **changes})
    model.to(dtype).save_pretrained(folder)
    (tok or tokenizer()).save_pretrained(folder)


def _half_in_config_only(folder: Path) -> None:
    _save(folder)
    edit_config(folder, dtype="float16")


def _added_tokens(folder: Path) -> None:
    tok = tokenizer()
    tok.add_tokens([ADDED_TOKEN])
    _save(folder, tok=tok)


def _relative_positions(folder: Path) -> None:
    """As transformers 4 saved ``position_embedding_type``."""
    _save(folder)
    edit_config(folder, position_embedding_type="relative_key_query")
    name = "bert.encoder.layer.{}.attention.self.distance_embedding.weight"
    distances = {name.format(n): torch.randn(2 * _POSITIONS - 1, 4) for n in range(2)}
    change_weights(folder, lambda weights: weights.update(distances))


def _git_lfs_pointer(folder: Path) -> None:
    _save(folder)
    (folder / "model.safetensors").write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 437955512\n"
    )


def _model_and_adapter(folder: Path) -> None:
    base = build("plain", folder.parent)
    _save(folder)
    _adapter_of(base).save_pretrained(folder)


def _adapter_only(folder: Path) -> None:
    _adapter_of(build("plain", folder.parent)).save_pretrained(folder)
    tokenizer().save_pretrained(folder)


def _adapter_of(base: Path) -> Any:
    """A LoRA of a model that changes its answers."""
    torch.manual_seed(1)
    config = LoraConfig(
        task_type="SEQ_CLS", r=4, target_modules=["query", "value"], init_lora_weights=False
    )
    return get_peft_model(AutoModelForSequenceClassification.from_pretrained(base), config)


FOLDERS: dict[str, Callable[[Path], None]] = {
    "plain": _save,
    "fp16": lambda folder: _save(folder, dtype=torch.float16),
    "bf16": lambda folder: _save(folder, dtype=torch.bfloat16),
    "fp16_in_config_only": _half_in_config_only,
    "bert_one_segment": lambda folder: _save(folder, type_vocab_size=1),
    "roberta_bert_tokenizer": lambda folder: _save(folder, "roberta", type_vocab_size=1),
    "tokens_added_not_resized": _added_tokens,
    "no_pad_token": lambda folder: _save(folder, tok=tokenizer(pad=False)),
    "relative_positions": _relative_positions,
    "git_lfs_pointer": _git_lfs_pointer,
    "model_and_adapter": _model_and_adapter,
    "adapter_only": _adapter_only,
}
"""Name -> what makes it."""
