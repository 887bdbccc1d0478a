"""The learnt table as a sentence-transformers folder."""

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from training.tokens import Floats

_STATIC = "0_StaticEmbedding"
_MODULES = [
    {
        "idx": 0,
        "name": "0",
        "path": _STATIC,
        "type": "sentence_transformers.sentence_transformer.modules.static_embedding.StaticEmbedding",
    },
    {
        "idx": 1,
        "name": "1",
        "path": "1_Normalize",
        "type": "sentence_transformers.base.modules.normalize.Normalize",
    },
]
_CONFIG = {
    "model_type": "SentenceTransformer",
    "prompts": {"query": "", "document": ""},
    "default_prompt_name": None,
    "similarity_fn_name": "cosine",
}


def quantize(vectors: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """int8 rows and the scale of each; rows of zeros stay zeros."""
    scales = (np.abs(vectors).max(axis=1) / 127).astype(np.float32)
    rows = np.rint(vectors / scales.clip(1e-12)[:, None]).astype(np.int8)
    return rows, scales


def dequantize(rows: npt.NDArray[np.int8], scales: Floats) -> Floats:
    vectors: Floats = rows * scales[:, None]
    return vectors


def write_model(
    output: Path, tokenizer: Tokenizer, vectors: Floats, card: str, subjects: Floats | None = None
) -> None:
    """Write the folder, each file complete before it takes its name."""
    rows, scales = quantize(vectors)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".builtin-") as beside:
        fresh = Path(beside)
        (fresh / _STATIC).mkdir()
        save_file({"embeddings": rows, "weights": scales}, fresh / _STATIC / "model.safetensors")
        tokenizer.save(str(fresh / _STATIC / "tokenizer.json"), pretty=False)
        if subjects is not None:
            rows, scales = quantize(subjects)
            save_file({"rows": rows, "scales": scales}, fresh / "subjects.safetensors")
        _write_text(fresh / "modules.json", _as_json(_MODULES))
        _write_text(fresh / "config_sentence_transformers.json", _as_json(_CONFIG))
        _write_text(fresh / "README.md", card)
        _replace_files(fresh, output)


def _replace_files(fresh: Path, output: Path) -> None:
    for path in sorted(fresh.rglob("*")):
        target = output / path.relative_to(fresh)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            path.chmod(0o644)
            os.replace(path, target)


def _as_json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
