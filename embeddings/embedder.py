"""Texts to vectors: one protocol, three ways to run a sentence-transformers model folder.

The only place that imports torch or sentence_transformers, and only when a model needs them: a folder that
holds a StaticEmbedding is read with tokenizers and numpy, one that holds an ONNX graph with onnxruntime.
"""

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from embeddings.errors import ModelUnavailable
from embeddings.types import Vectors

BUILTIN_MODEL = "builtin"
_BUILTIN_FOLDER = Path(__file__).parent / "models" / "builtin"
_BATCH = 512
_TRANSFORMER_BATCH = 32
_PASSAGE_PROMPTS = ("document", "passage", "corpus")
_ONNX_FILES = ("onnx/model_quantized.onnx", "onnx/model_int8.onnx", "onnx/model.onnx", "model.onnx")
_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".onnx")


class Embedder(Protocol):
    """Makes vectors of one space. `id` names that space: equal ids give equal vectors for a text."""

    id: str
    dim: int

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
    folder = _find_folder(name)
    label = name if name == BUILTIN_MODEL else Path(name).name
    try:
        modules = [module["type"].rsplit(".", 1)[-1] for module in _read_json(folder / "modules.json")]
        if modules[0] == "StaticEmbedding" and set(modules[1:]) <= {"Normalize"}:
            return StaticEmbedder(folder, label=label)
        if (
            _onnx_file(folder)
            and modules[:2] == ["Transformer", "Pooling"]
            and set(modules[2:]) <= {"Normalize"}
        ):
            return OnnxEmbedder(folder, label=label)
        return SentenceTransformerEmbedder(folder, label=label)
    except (OSError, ValueError, KeyError, IndexError, TypeError, SafetensorError) as error:
        raise ModelUnavailable(f"The model “{name}” cannot be read: {error}. {_REMEDY}") from error


class StaticEmbedder:
    """A table of token vectors: mean, unit length. No torch; ready in a fraction of a second."""

    def __init__(self, folder: Path, *, label: str) -> None:
        static = folder / _read_json(folder / "modules.json")[0]["path"]
        tensors = load_file(static / "model.safetensors")
        self._table = tensors["embedding.weight"] if "embedding.weight" in tensors else tensors["embeddings"]
        self._rows: npt.NDArray[np.int64] | None = tensors.get("mapping")
        self._weights: npt.NDArray[np.float32] | None = tensors.get("weights")
        self._tokenizer = Tokenizer.from_file(str(static / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._prompts = _Prompts(folder)
        self.dim = int(self._table.shape[1])
        self.id = f"{label}@{_fingerprint(static)}"

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._prompts.query + text for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._prompts.passage + text for text in texts])

    def _encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), _BATCH):
            # Fast: without the offsets, that nobody asks for.
            batch = self._tokenizer.encode_batch_fast(
                list(texts[start : start + _BATCH]), add_special_tokens=False
            )
            for row, encoding in enumerate(batch, start):
                if ids := encoding.ids:
                    vectors[row] = self._mean(np.asarray(ids))
        return _unit(vectors)

    def _mean(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        rows = self._table[tokens if self._rows is None else self._rows[tokens]].astype(np.float32)
        weights = np.ones(len(tokens), np.float32) if self._weights is None else self._weights[tokens]
        mean: npt.NDArray[np.float32] = weights.astype(np.float32) @ rows / np.float32(len(tokens))
        return mean


class OnnxEmbedder:
    """A transformer run by onnxruntime, with the tokenizer and the pooling that its folder describes."""

    def __init__(self, folder: Path, *, label: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _thread_count()
        graph = _onnx_file(folder)
        self._session = onnxruntime.InferenceSession(
            str(graph), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._inputs = {value.name for value in self._session.get_inputs()}
        self._pooling = _pooling_mode(folder)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(_max_tokens(folder))
        self._tokenizer.enable_padding()
        self._prompts = _Prompts(folder)
        self.dim = int(_read_json(folder / "config.json")["hidden_size"])
        self.id = f"{label}@{_fingerprint(folder)}"

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._prompts.query + text for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._prompts.passage + text for text in texts])

    def _encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for rows in _batches_by_length(texts):
            vectors[rows] = self._run([texts[row] for row in rows])
        return _unit(vectors)

    def _run(self, texts: list[str]) -> npt.NDArray[np.float32]:
        encodings = self._tokenizer.encode_batch(texts)
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        feed = {
            "input_ids": np.array([encoding.ids for encoding in encodings], dtype=np.int64),
            "attention_mask": mask,
            "token_type_ids": np.array([encoding.type_ids for encoding in encodings], dtype=np.int64),
        }
        states = self._session.run(None, {name: feed[name] for name in self._inputs})[0]
        if self._pooling == "cls":
            return np.asarray(states[:, 0], dtype=np.float32)
        weights = mask[:, :, None].astype(np.float32)
        mean: npt.NDArray[np.float32] = (states * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
        return mean


class SentenceTransformerEmbedder:
    """Any other model that sentence-transformers can load, on torch."""

    def __init__(self, folder: Path, *, label: str) -> None:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]
        torch.set_num_threads(_thread_count())
        self._model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        self.dim = int(self._model.get_embedding_dimension() or 0)
        self.id = f"{label}@{_fingerprint(folder)}"

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode(self._model.encode_query, texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode(self._model.encode_document, texts)

    def _encode(self, encode: Any, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        vectors = encode(
            list(texts), batch_size=_TRANSFORMER_BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


class _Prompts:
    """What a model wants in front of a query and of a passage, by sentence-transformers' own rules."""

    def __init__(self, folder: Path) -> None:
        path = folder / "config_sentence_transformers.json"
        config = _read_json(path) if path.is_file() else {}
        prompts = config.get("prompts") or {}
        default = prompts.get(config.get("default_prompt_name"), "")
        self.query: str = prompts.get("query", default)
        self.passage: str = next((prompts[name] for name in _PASSAGE_PROMPTS if name in prompts), default)


_REMEDY = (
    "Give WENYUAN_MODEL the path of a sentence-transformers model folder, set HF_ENDPOINT to a mirror of the"
    f" hub that this machine can reach, or leave WENYUAN_MODEL unset for the built-in model (“{BUILTIN_MODEL}”)."
)


def _find_folder(name: str) -> Path:
    if name == BUILTIN_MODEL:
        return _BUILTIN_FOLDER
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    unread = ["*.h5", "*.msgpack", "*.ot", "openvino/*", "*.gguf"]
    try:
        return Path(snapshot_download(name, ignore_patterns=unread))
    except (OSError, ValueError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise ModelUnavailable(
            f"The model “{name}” is neither a folder nor to be had from a model hub. {_REMEDY}"
        ) from error


def _onnx_file(folder: Path) -> Path | None:
    if importlib.util.find_spec("onnxruntime") is None or not (folder / "tokenizer.json").is_file():
        return None
    return next((folder / name for name in _ONNX_FILES if (folder / name).is_file()), None)


def _pooling_mode(folder: Path) -> str:
    config = _read_json(folder / _read_json(folder / "modules.json")[1]["path"] / "config.json")
    is_cls = config.get("pooling_mode") == "cls" or config.get("pooling_mode_cls_token") is True
    is_mean = config.get("pooling_mode") == "mean" or config.get("pooling_mode_mean_tokens") is True
    if is_cls == is_mean:
        raise ValueError("its pooling is neither cls nor mean, which is all that is run on ONNX")
    return "cls" if is_cls else "mean"


def _max_tokens(folder: Path) -> int:
    """The first limit that the folder states: sentence-transformers' own, the tokenizer's, the positions."""
    stated = [
        ("sentence_bert_config.json", "max_seq_length"),
        ("tokenizer_config.json", "model_max_length"),
        ("config.json", "max_position_embeddings"),
    ]
    limits = [_read_json(folder / name).get(key) for name, key in stated if (folder / name).is_file()]
    return next((int(limit) for limit in limits if limit and limit < 1_000_000), 512)


def _batches_by_length(texts: Sequence[str]) -> Iterator[list[int]]:
    """Rows of texts of about equal length together: padding is work thrown away."""
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    for start in range(0, len(order), _TRANSFORMER_BATCH):
        yield order[start : start + _TRANSFORMER_BATCH]


def _thread_count() -> int:
    """Half of the cores: two torch threads on busy cores measured ten times slower than one."""
    return max(1, (os.cpu_count() or 1) // 2)


def _fingerprint(folder: Path) -> str:
    """A hash of the settings and of every weight file's size, head and tail: the same wherever the folder is."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in (*_WEIGHT_SUFFIXES, ".json")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(str(path.stat().st_size).encode())
        with path.open("rb") as file:
            digest.update(file.read(1 << 20))
            file.seek(max(0, path.stat().st_size - (1 << 20)))
            digest.update(file.read())
    return digest.hexdigest()[:12]


def _unit(vectors: npt.NDArray[np.float32]) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True).astype(np.float32)
    unit: Vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return unit


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
