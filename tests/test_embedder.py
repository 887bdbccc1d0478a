"""Every way to run a model folder gives what sentence-transformers gives."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Normalize,
    Pooling,
    StaticEmbedding,
    Transformer,
)
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from embeddings import BUILTIN_MODEL, ModelUnavailable, load_embedder
from embeddings.embedder import OnnxEmbedder, SentenceTransformerEmbedder, StaticEmbedder

TEXTS = ["燃气领域要求", "", "消防安全，要加强检查。" * 20, "○○", "a1 2021年"]
PROMPTS = {"query": "要求：", "document": "段落："}
CHARACTERS = "燃气领域安全要求消防加强检查段落，。：年"


def make_tokenizer() -> Tokenizer:
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CHARACTERS]
    tokenizer = Tokenizer(
        models.WordPiece({token: i for i, token in enumerate(vocabulary)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def make_bert(folder: Path, pooling: str) -> Path:
    """A folder as a hub would have it: a small BERT with random weights."""
    torch.manual_seed(0)
    tokenizer = make_tokenizer()
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder / "bert")
    tokenizer_class: Any = PreTrainedTokenizerFast
    tokenizer_class(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
    ).save_pretrained(folder / "bert")
    modules = [Transformer(str(folder / "bert")), Pooling(32, pooling_mode=pooling), Normalize()]
    SentenceTransformer(modules=modules, prompts=PROMPTS, device="cpu").save(str(folder / "model"))
    return folder / "model"


class LastHiddenState(torch.nn.Module):
    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self._bert = bert

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        state: torch.Tensor = self._bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return state


def add_onnx(folder: Path) -> None:
    model: Any = BertModel.from_pretrained(folder)
    bert = LastHiddenState(model.eval())
    names = ["input_ids", "attention_mask"]
    axes = {name: {0: "batch", 1: "tokens"} for name in [*names, "last_hidden_state"]}
    tokens = torch.ones((2, 7), dtype=torch.long)
    (folder / "onnx").mkdir()
    torch.onnx.export(
        bert,
        (tokens, tokens),
        str(folder / "onnx" / "model.onnx"),
        input_names=names,
        output_names=["last_hidden_state"],
        dynamic_axes=axes,
        dynamo=False,
    )


def test_the_builtin_model_equals_sentence_transformers() -> None:
    embedder = load_embedder()
    folder = Path(sys.modules["embeddings"].__file__ or "").parent / "models" / BUILTIN_MODEL
    expected = SentenceTransformer(str(folder), device="cpu").encode(TEXTS)
    assert isinstance(embedder, StaticEmbedder)
    np.testing.assert_allclose(embedder.encode_passages(TEXTS), expected, atol=1e-5)


@pytest.mark.parametrize("has_normalize", [True, False])
def test_a_static_folder_with_prompts_equals_sentence_transformers(
    tmp_path: Path, has_normalize: bool
) -> None:
    static = StaticEmbedding(make_tokenizer(), embedding_dim=16)
    model = SentenceTransformer(
        modules=[static, Normalize()] if has_normalize else [static], prompts=PROMPTS, device="cpu"
    )
    model.save(str(tmp_path))
    embedder = load_embedder(str(tmp_path))
    assert isinstance(embedder, StaticEmbedder)
    expected = model.encode_query(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(embedder.encode_queries(TEXTS), expected, atol=1e-5)
    expected = model.encode_document(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(embedder.encode_passages(TEXTS), expected, atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_transformer_gives_the_same_on_torch_and_on_onnx(tmp_path: Path, pooling: str) -> None:
    folder = make_bert(tmp_path, pooling)
    on_torch = load_embedder(str(folder))
    add_onnx(folder)
    on_onnx = load_embedder(str(folder))
    assert isinstance(on_torch, SentenceTransformerEmbedder)
    assert isinstance(on_onnx, OnnxEmbedder)
    assert on_torch.dim == on_onnx.dim == 32
    np.testing.assert_allclose(on_onnx.encode_queries(TEXTS), on_torch.encode_queries(TEXTS), atol=1e-5)
    np.testing.assert_allclose(on_onnx.encode_passages(TEXTS), on_torch.encode_passages(TEXTS), atol=1e-5)
    assert not np.allclose(on_onnx.encode_queries(TEXTS), on_onnx.encode_passages(TEXTS), atol=1e-3)


def test_one_text_or_none_is_a_two_dimensional_array() -> None:
    embedder = load_embedder()
    assert embedder.encode_queries([]).shape == (0, embedder.dim)
    one = embedder.encode_queries(["燃气"])
    assert one.shape == (1, embedder.dim)
    assert one.dtype == np.float32
    assert np.linalg.norm(one) == pytest.approx(1.0, abs=1e-5)


def test_a_text_of_nothing_known_is_a_row_of_zeros() -> None:
    assert not load_embedder().encode_queries([""]).any()


def test_a_model_that_cannot_be_had_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelUnavailable, match=r"“example/no-such-model”.*path.*mirror.*built-in"):
        load_embedder("example/no-such-model")


def test_a_folder_that_is_no_model_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=str(tmp_path)):
        load_embedder(str(tmp_path))


def test_the_same_folder_elsewhere_is_the_same_space_and_other_weights_are_not(tmp_path: Path) -> None:
    for name in ["a/model", "b/model", "c/model"]:
        static = StaticEmbedding(
            make_tokenizer(), embedding_weights=np.full((25, 8), float(name[0] == "c"), np.float32)
        )
        SentenceTransformer(modules=[static], device="cpu").save(str(tmp_path / name))
    ids = [load_embedder(str(tmp_path / name)).id for name in ["a/model", "b/model", "c/model"]]
    assert ids[0] == ids[1] != ids[2]


def test_the_builtin_model_needs_no_torch() -> None:
    code = "import sys, embeddings; embeddings.load_embedder().encode_queries(['燃气']); print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
