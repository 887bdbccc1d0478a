"""Small model folders with random weights, saved as a hub would have them."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from onnx import TensorProto, helper, save
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    BertTokenizer,
    PreTrainedTokenizerFast,
)

sys.path.append(str(Path(__file__).parent.parent / "scripts"))

from export_onnx import export

PROMPTS = {"query": "要求：", "document": "段落："}
SPECIAL = {
    "unk_token": "[UNK]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
VOCABULARY = [*SPECIAL.values(), *"燃气领域安全要求消防加强检查段落，。：年abAB12"]


def make_tokenizer() -> Tokenizer:
    """One token a character. What pads is not the first of the vocabulary."""
    ids = {token: id for id, token in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, ids[token]) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def save_tokenizer(folder: Path, *, max_tokens: int = 64, **settings: Any) -> None:
    tokenizer_class: Any = PreTrainedTokenizerFast
    tokenizer_class(
        tokenizer_object=make_tokenizer(), model_max_length=max_tokens, **SPECIAL, **settings
    ).save_pretrained(folder)


def save_bert_tokenizer(folder: Path) -> None:
    """BERT's own, which takes what tokenizer_config.json says over tokenizer.json."""
    tokenizer_class: Any = BertTokenizer
    ids = {token: id for id, token in enumerate(VOCABULARY)}
    tokenizer_class(vocab=ids, do_lower_case=True, model_max_length=64).save_pretrained(folder)


def small_bert(**settings: Any) -> BertConfig:
    # Wider than usual from the start, so that another text gives another vector.
    return BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        pad_token_id=VOCABULARY.index("[PAD]"),
        initializer_range=0.3,
        **settings,
    )


def make_transformer(folder: Path, **settings: Any) -> None:
    torch.manual_seed(0)
    BertModel(small_bert()).save_pretrained(folder)
    save_tokenizer(folder, **settings)


def make_embedder(
    folder: Path,
    pooling: Any = "mean",
    *,
    after: tuple[torch.nn.Module, ...] = (),
    prompts: dict[str, str] | None = None,
    **settings: Any,
) -> Path:
    make_transformer(folder / "bert", **settings)
    modules = [Transformer(str(folder / "bert")), Pooling(32, pooling_mode=pooling), *after, Normalize()]
    model = SentenceTransformer(
        modules=modules, prompts=PROMPTS if prompts is None else prompts, device="cpu"
    )
    model.save(str(folder / "model"))
    return folder / "model"


def make_reranker(folder: Path, *, labels: int = 1, activation: torch.nn.Module | None = None) -> Path:
    torch.manual_seed(0)
    BertForSequenceClassification(small_bert(num_labels=labels)).save_pretrained(folder / "bert")
    save_bert_tokenizer(folder / "bert")
    CrossEncoder(str(folder / "bert"), device="cpu", activation_fn=activation).save_pretrained(
        str(folder / "model")
    )
    return folder / "model"


def add_graphs(folder: Path) -> None:
    """In full precision, and quantised."""
    export(folder)


def copy_with_graphs(model: Path, folder: Path) -> Path:
    """The same with both graphs."""
    shutil.copytree(model, folder)
    add_graphs(folder)
    return folder


def copy_in_full_precision(model: Path, folder: Path) -> Path:
    """The same without the quantised graph."""
    shutil.copytree(model, folder)
    (folder / "onnx" / "model_quantized.onnx").unlink()
    return folder


def change(file: Path, **settings: Any) -> None:
    """Settings of a JSON file, the others left as they are."""
    held = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(held | settings), encoding="utf-8")


def add_graph(file: Path, *, inputs: list[str]) -> None:
    """One that gives its first input back."""
    values = [helper.make_tensor_value_info(name, TensorProto.INT64, ["a", "b"]) for name in inputs]
    given = helper.make_tensor_value_info("last_hidden_state", TensorProto.INT64, ["a", "b"])
    same = helper.make_node("Identity", [inputs[0]], ["last_hidden_state"])
    graph = helper.make_graph([same], "same", values, [given])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)
