"""How fast a transformer of bge-small's size runs here: on torch, on ONNX and quantised, in one run.

    python scripts/bench_models.py

The model is BERT of 4 layers and 512 dimensions with random weights, as embedder (mean of the tokens) and as
re-ranker. Each figure is the median of several rounds in which the three take turns. Needs the extra `export`.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizer

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

from load.texts import make_sentences

from embeddings import Embedder, Reranker, load_embedder, load_reranker
from embeddings.embedder import SentenceTransformerEmbedder
from embeddings.model_folder import ModelFolder
from embeddings.reranker import CrossEncoderReranker
from export_onnx import export

_SIZE: dict[str, Any] = {
    "vocab_size": 21_128,
    "hidden_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "intermediate_size": 2_048,
}
_ROUNDS = 7
_QUERY_CHARS, _PASSAGE_CHARS = 8, 126
_PASSAGES, _HITS = 64, 30


def main() -> None:
    query, *passages = _texts()
    with tempfile.TemporaryDirectory() as made:
        embedders = _embedders(Path(made) / "embedder")
        rerankers = _rerankers(Path(made) / "reranker")
    one = _take_turns({name: _asking(embedder, query) for name, embedder in embedders.items()})
    many = _take_turns({name: _encoding(embedder, passages) for name, embedder in embedders.items()})
    pairs = _take_turns({name: _judging(each, query, passages) for name, each in rerankers.items()})
    print(
        f"{'':8}{'query, ms':>12}{'passages/s':>12}{f'{_HITS} hits, ms':>14}{'cosine to torch, mean, least':>30}"
    )
    exact = embedders["torch"].encode_passages(passages)
    for name, embedder in embedders.items():
        cosines = (embedder.encode_passages(passages) * exact).sum(axis=1)
        print(
            f"{name:8}{one[name] * 1000:12.2f}{_PASSAGES / many[name]:12.1f}{pairs[name] * 1000:14.0f}"
            f"{cosines.mean():22.5f}{cosines.min():8.5f}"
        )
    judged = {name: each.score(query, passages[:_HITS]) for name, each in rerankers.items()}
    for name in ("onnx", "int8"):
        print(f"re-ranker, {name}: scores off by at most {np.abs(judged[name] - judged['torch']).max():.5f}")


def _texts() -> list[str]:
    text = "".join(make_sentences(0, 2_000))
    starts = range(_QUERY_CHARS, len(text), _PASSAGE_CHARS)
    passages = [text[start : start + _PASSAGE_CHARS] for start in starts][:_PASSAGES]
    return [text[:_QUERY_CHARS], *passages]


def _embedders(folder: Path) -> dict[str, Embedder]:
    _save(BertModel, folder)
    modules = [Transformer(str(folder)), Pooling(512, pooling_mode="mean"), Normalize()]
    model = folder / "model"
    SentenceTransformer(modules=modules, device="cpu").save(str(model))
    _, quantised = export(model)
    int8 = load_embedder(str(model))
    quantised.unlink()
    on_torch = SentenceTransformerEmbedder(ModelFolder(model), label="model")
    return {"torch": on_torch, "onnx": load_embedder(str(model)), "int8": int8}


def _rerankers(folder: Path) -> dict[str, Reranker]:
    _save(BertForSequenceClassification, folder, num_labels=1)
    model = folder / "model"
    CrossEncoder(str(folder), device="cpu").save_pretrained(str(model))
    _, quantised = export(model)
    int8 = load_reranker(str(model))
    quantised.unlink()
    return {"torch": CrossEncoderReranker(model), "onnx": load_reranker(str(model)), "int8": int8}


def _save(kind: Any, folder: Path, **settings: Any) -> None:
    """A token a character of the texts, so that their lengths in tokens are known."""
    torch.manual_seed(0)
    kind(BertConfig(**_SIZE, **settings)).save_pretrained(folder)
    characters = sorted(set("".join(_texts())))
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    tokenizer_class: Any = BertTokenizer
    tokenizer_class(
        vocab={token: id for id, token in enumerate(tokens)}, model_max_length=512
    ).save_pretrained(folder)


def _asking(embedder: Embedder, query: str) -> Callable[[], object]:
    return lambda: embedder.encode_queries([query])


def _encoding(embedder: Embedder, passages: list[str]) -> Callable[[], object]:
    return lambda: embedder.encode_passages(passages)


def _judging(reranker: Reranker, query: str, passages: list[str]) -> Callable[[], object]:
    return lambda: reranker.score(query, passages[:_HITS])


def _take_turns(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of each, the median of its rounds."""
    took: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(_ROUNDS):
        for name, work in works.items():
            work()
            began = time.perf_counter()
            work()
            took[name].append(time.perf_counter() - began)
    return {name: statistics.median(times) for name, times in took.items()}


if __name__ == "__main__":
    main()
