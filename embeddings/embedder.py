"""Texts to vectors: one protocol, three ways to run a sentence-transformers model folder.

torch and sentence_transformers are imported only when a model needs them: a folder that holds a StaticEmbedding is
read with tokenizers and numpy, one that holds an ONNX graph with onnxruntime.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from embeddings.errors import ModelUnavailable
from embeddings.model_folder import (
    ModelFolder,
    batches_by_length,
    find_folder,
    fingerprint,
    read_json,
    read_tokenizer,
    thread_count,
)
from embeddings.onnx_graph import OnnxGraph, open_graph
from embeddings.types import Vectors

BUILTIN_MODEL = "builtin"
_BUILTIN_FOLDER = Path(__file__).parent / "models" / "builtin"
_BATCH = 512
_TRANSFORMER_BATCH = 32
_LETTER = re.compile(r"[^\W_]")
_REMEDY = f"Or leave WENYUAN_MODEL unset for the built-in model (“{BUILTIN_MODEL}”)."

_States = npt.NDArray[np.float32]
_Mask = npt.NDArray[np.int64]


class Embedder(Protocol):
    """Makes vectors of one space. `id` names that space: equal ids give equal vectors for a text.

    `subjects` (n, dim) are what texts at large are about, each the middle of many; a model need not know any.
    """

    id: str
    dim: int
    subjects: Vectors

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """(len(texts), dim) float32, rows of unit length; a row of zeros where nothing is known of a text."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """As `encode_queries`, for the texts that are searched."""
        ...


def load_embedder(name: str = BUILTIN_MODEL) -> Embedder:
    """The embedder for a model: the built-in one, a folder, or a name on a model hub.

    Raises:
        ModelUnavailable: the model cannot be had or read; the message says what to do.
    """
    path = None if name == BUILTIN_MODEL else find_folder(name, remedy=_REMEDY)
    try:
        return _open(ModelFolder(path), Path(name).name) if path else load_builtin()
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, SafetensorError) as error:
        raise ModelUnavailable(
            f"The model “{name}” cannot be read: {error}. Give WENYUAN_MODEL the path of a whole"
            f" sentence-transformers model folder. {_REMEDY}"
        ) from error


@cache
def load_builtin() -> "StaticEmbedder":
    """The built-in model, whose words others that do not tell them apart are helped out with."""
    return StaticEmbedder(ModelFolder(_BUILTIN_FOLDER), label=BUILTIN_MODEL)


def _open(folder: ModelFolder, label: str) -> Embedder:
    kinds = [module.kind for module in folder.modules]
    if folder.settings.get("model_type", "SentenceTransformer") != "SentenceTransformer":
        raise ValueError(
            f"it is a {folder.settings['model_type']}, which makes no vectors of texts; a CrossEncoder is for"
            " WENYUAN_RERANKER"
        )
    if not kinds:
        raise ValueError("the folder has no modules.json, so nothing says how to make a vector of a text")
    if kinds[0] == "StaticEmbedding" and set(kinds[1:]) <= {"Normalize"}:
        return StaticEmbedder(folder, label=label)
    if kinds[:2] == ["Transformer", "Pooling"] and set(kinds[2:]) <= {"Normalize"} and folder.is_plain():
        pool = _pooling(folder.modules[1].folder)
        graph = open_graph(folder, output=["last_hidden_state", "token_embeddings"]) if pool else None
        if graph and pool:
            return OnnxEmbedder(folder, graph, pool, label=label)
    return SentenceTransformerEmbedder(folder, label=label)


class Words(NamedTuple):
    """The n words of a text: how each is written, what it weighs (n,), and its direction (n, dim)."""

    texts: list[str]
    weights: npt.NDArray[np.float32]
    vectors: Vectors


class StaticEmbedder:
    """A table of token vectors: mean, unit length. No torch; ready in a fraction of a second."""

    def __init__(self, folder: ModelFolder, *, label: str) -> None:
        static = folder.transformer
        tensors = load_file(static / "model.safetensors")
        self._table = tensors["embedding.weight"] if "embedding.weight" in tensors else tensors["embeddings"]
        self._rows: npt.NDArray[np.int64] | None = tensors.get("mapping")
        self._weights: npt.NDArray[np.float32] | None = tensors.get("weights")
        self._tokenizer = read_tokenizer(static / "tokenizer.json")
        self._tokenizer.no_padding()
        self._query_prompt, self._passage_prompt = folder.prompts()
        self.dim = folder.truncated(int(self._table.shape[1]))
        self.subjects = _read_subjects(folder, self.dim)
        files = [path for path in static.rglob("*") if path.suffix in (".safetensors", ".json")]
        self.id = f"{label}@{fingerprint(static, files)}"

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._query_prompt + text for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._passage_prompt + text for text in texts])

    def words(self, text: str) -> Words:
        """The tokens of `text` that are in the table, without punctuation."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        tokens = encoding.tokens
        kept = [
            place
            for place, token in enumerate(tokens)
            if _LETTER.search(token) and self._tokenizer.token_to_id(token) is not None
        ]
        rows, weights = self._look_up(np.array(encoding.ids, np.int64)[kept])
        return Words([tokens[place] for place in kept], weights, _unit(rows[:, : self.dim]))

    def directions_of(self, tokens: Sequence[str]) -> Vectors:
        """(n, dim): those of n tokens, as `words` tells them."""
        ids = [self._tokenizer.token_to_id(token) for token in tokens]
        rows, _ = self._look_up(np.array(ids, np.int64))
        return _unit(rows[:, : self.dim])

    def cosines(self, directions: Vectors, text: str) -> npt.NDArray[np.float32]:
        """(m, n): of m directions and the n tokens of `text`."""
        (encoding,) = self._tokenizer.encode_batch_fast([text], add_special_tokens=False)
        rows, _ = self._look_up(np.array(encoding.ids, np.int64))
        rows = rows[:, : self.dim]
        lengths = np.sqrt(np.vecdot(rows, rows))
        products: npt.NDArray[np.float32] = np.vecdot(directions[:, None], rows)
        return np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self._table.shape[1]), dtype=np.float32)
        for start in range(0, len(texts), _BATCH):
            # Fast: without the offsets, that nobody asks for.
            batch = self._tokenizer.encode_batch_fast(
                list(texts[start : start + _BATCH]), add_special_tokens=False
            )
            for row, encoding in enumerate(batch, start):
                if ids := encoding.ids:
                    vectors[row] = self._mean(np.asarray(ids))
        return _unit(vectors[:, : self.dim])

    def _mean(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        rows, weights = self._look_up(tokens)
        mean: npt.NDArray[np.float32] = weights @ rows / np.float32(len(tokens))
        return mean

    def _look_up(
        self, tokens: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The rows (n, dim) and the weights (n,) of n tokens."""
        rows = self._table[tokens if self._rows is None else self._rows[tokens]].astype(np.float32)
        weights = np.ones(len(tokens), np.float32) if self._weights is None else self._weights[tokens]
        return rows, weights.astype(np.float32)


class OnnxEmbedder:
    """A transformer run by onnxruntime, with the tokenizer and the pooling that its folder describes."""

    def __init__(self, folder: ModelFolder, graph: OnnxGraph, pool: "_Pool", *, label: str) -> None:
        self._graph = graph
        self._pool = pool
        self._query_prompt, self._passage_prompt = folder.prompts()
        states, _ = graph.run(["文"])
        self._states_dim = states.shape[-1]
        self.dim = folder.truncated(self._states_dim)
        self.subjects = _read_subjects(folder, self.dim)
        self.id = f"{label}@{folder.fingerprint(graph.file)}"

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._query_prompt + text for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._passage_prompt + text for text in texts])

    def _encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self._states_dim), dtype=np.float32)
        for rows in batches_by_length([len(text) for text in texts]):
            vectors[rows] = self._pool(*self._graph.run([texts[row] for row in rows]))
        return _unit(vectors[:, : self.dim])


class SentenceTransformerEmbedder:
    """Any other model that sentence-transformers can load, on torch. Safe to use from many threads."""

    def __init__(self, folder: ModelFolder, *, label: str) -> None:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]
        torch.set_num_threads(thread_count())
        self._model = SentenceTransformer(str(folder.path), device="cpu", local_files_only=True)
        self._query_prompt, self._passage_prompt = folder.prompts()
        # Its tokenizer is told anew for every batch how to pad, which must not happen twice at a time.
        self._running = Lock()
        self.dim = int(self._model.get_embedding_dimension() or 0)
        self.subjects = _read_subjects(folder, self.dim)
        self.id = f"{label}@{folder.fingerprint(None)}"

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode(self._model.encode_query, texts, self._query_prompt)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode(self._model.encode_document, texts, self._passage_prompt)

    def _encode(self, encode: Any, texts: Sequence[str], prompt: str) -> Vectors:
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        with self._running:
            vectors = encode(
                list(texts),
                prompt=prompt,
                batch_size=_TRANSFORMER_BATCH,
                normalize_embeddings=True,
                show_progress_bar=False,
            )
        return np.asarray(vectors, dtype=np.float32)


def _read_subjects(folder: ModelFolder, dim: int) -> Vectors:
    """Rows of int8 and the scale of each, as training/export.py writes them."""
    path = folder.path / "subjects.safetensors"
    if not path.is_file():
        return np.zeros((0, dim), np.float32)
    tensors = load_file(path)
    rows, scales = tensors["rows"], tensors["scales"]
    if rows.ndim != 2 or rows.shape[1] < dim or scales.shape != (len(rows),):
        raise ValueError("its subjects.safetensors holds no vectors of its space")
    return _unit((rows * scales[:, None])[:, :dim])


_Pool = Callable[[_States, _Mask], npt.NDArray[np.float32]]


def _pooling(module: Path) -> _Pool | None:
    """What makes one vector of a text's token vectors; None if this is only done by sentence-transformers."""
    config = read_json(module / "config.json")
    # Until version 6 a flag each.
    mode = config.get("pooling_mode") or [
        name.removeprefix("pooling_mode_")
        for name, is_on in config.items()
        if is_on is True and name in _OLD_FLAGS
    ]
    modes = [mode] if isinstance(mode, str) else list(mode)
    if len(modes) != 1 or config.get("include_prompt") is False:
        return None
    return _POOLS.get(modes[0].removesuffix("_token").removesuffix("_tokens"))


def _first(states: _States, mask: _Mask) -> npt.NDArray[np.float32]:
    first: npt.NDArray[np.float32] = states[np.arange(len(states)), mask.argmax(axis=1)]
    return first


def _last(states: _States, mask: _Mask) -> npt.NDArray[np.float32]:
    places = mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)
    last: npt.NDArray[np.float32] = states[np.arange(len(states)), places]
    return last


def _mean(states: _States, mask: _Mask) -> npt.NDArray[np.float32]:
    weights = mask[:, :, None].astype(np.float32)
    mean: npt.NDArray[np.float32] = (states * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
    return mean


def _max(states: _States, mask: _Mask) -> npt.NDArray[np.float32]:
    highest: npt.NDArray[np.float32] = np.where(mask[:, :, None] > 0, states, -np.inf).max(axis=1)
    return highest


_POOLS: dict[str, _Pool] = {"cls": _first, "mean": _mean, "max": _max, "lasttoken": _last}
_OLD_FLAGS = {
    *(
        "pooling_mode_cls_token",
        "pooling_mode_max_tokens",
        "pooling_mode_mean_tokens",
        "pooling_mode_lasttoken",
    ),
    *("pooling_mode_mean_sqrt_len_tokens", "pooling_mode_weightedmean_tokens"),
}


def _unit(vectors: npt.NDArray[np.float32]) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True).astype(np.float32)
    unit: Vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return unit
