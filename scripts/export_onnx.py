"""Write the ONNX graphs that let a model run without torch: `python scripts/export_onnx.py MODEL_FOLDER`.

MODEL_FOLDER is that of a sentence-transformers model (a transformer and a pooling) or of a CrossEncoder. It gets
`onnx/model.onnx` and, dynamically quantised to int8, `onnx/model_quantized.onnx`, which is run from then on: its
vectors are close to those of the model, not the same, so collections made before have to be reindexed. How close is
printed. Needs the extra `export`.
"""

import argparse
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

sys.path.insert(0, str(Path(__file__).parent.parent))

from embeddings import WenyuanError, load_embedder, load_reranker
from embeddings.embedder import SentenceTransformerEmbedder
from embeddings.model_folder import ModelFolder
from embeddings.reranker import CrossEncoderReranker

_SAMPLE = [
    "燃气领域要求",
    "谁负责消防设施的维护？",
    "各级人民政府应当加强对安全生产工作的领导，支持、督促各有关部门依法履行安全生产监督管理职责。",
    "一是强化责任落实；二是加强隐患排查；三是严格监管执法；四是提升应急能力。" * 4,
    "国办发〔2012〕14号",
]


def main() -> None:
    # It advises every time to prepare the graph with another tool.
    logging.getLogger().setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    try:
        for graph in export(folder):
            print(f"{graph.relative_to(folder)}: {graph.stat().st_size / 1e6:.1f} MB")
        given = _on_torch(folder), _as_loaded(folder)
    except (WenyuanError, OSError, ValueError) as error:
        sys.exit(f"{folder} cannot be exported: {error}")
    if _is_reranker(folder):
        print(f"scores differ from those on torch by at most {np.abs(given[0] - given[1]).max():.4f}")
    else:
        cosines = (given[0] * given[1]).sum(axis=1)
        print(f"cosine with the vectors on torch: mean {cosines.mean():.5f}, least {cosines.min():.5f}")


def export(folder: Path) -> list[Path]:
    """The two graphs, written beside what is there and then moved into its place.

    Raises:
        ValueError: the first module of the folder is no transformer.
    """
    described = ModelFolder(folder)
    if described.modules and described.modules[0].kind != "Transformer":
        raise ValueError(f"its first module is a {described.modules[0].kind}, which needs no graph")
    target = described.transformer / "onnx"
    target.mkdir(exist_ok=True)
    full, quantised = target / "model.onnx", target / "model_quantized.onnx"
    unfinished = target / "unfinished.onnx"
    try:
        _export_full(described.transformer, unfinished, is_reranker=_is_reranker(folder))
        os.replace(unfinished, full)
        # Seven bits of weight: with eight the sums of processors without VNNI overflow.
        quantize_dynamic(full, unfinished, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
        os.replace(unfinished, quantised)
    finally:
        unfinished.unlink(missing_ok=True)
    return [full, quantised]


def _is_reranker(folder: Path) -> bool:
    named = ModelFolder(folder).config.get("architectures") or []
    return any(name.endswith("ForSequenceClassification") for name in named)


def _export_full(folder: Path, target: Path, *, is_reranker: bool) -> None:
    kind: Any = AutoModelForSequenceClassification if is_reranker else AutoModel
    output = "logits" if is_reranker else "last_hidden_state"
    # Attention without tricks: its graph holds for any number of texts and tokens.
    model = kind.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32, local_files_only=True
    )
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    example = dict(tokenizer(["一份文件", "另一份较长的文件"], padding=True, return_tensors="pt"))
    names = list(example)
    axes = {name: {0: "texts", 1: "tokens"} for name in names} | {output: {0: "texts"}}
    if not is_reranker:
        axes[output][1] = "tokens"
    with warnings.catch_warnings():
        # It warns of every branch that it takes for good, and of itself.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Named(model.eval(), names, output),
            tuple(example.values()),
            str(target),
            input_names=names,
            output_names=[output],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )


class _Named(torch.nn.Module):
    """A transformer that takes its inputs by position and gives one output."""

    def __init__(self, model: torch.nn.Module, names: list[str], output: str) -> None:
        super().__init__()
        self._model = model
        self._names = names
        self._output = output

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        given: torch.Tensor = self._model(**dict(zip(self._names, inputs, strict=True)))[self._output]
        return given


def _on_torch(folder: Path) -> npt.NDArray[np.float32]:
    if _is_reranker(folder):
        return CrossEncoderReranker(folder).score(_SAMPLE[0], _SAMPLE[1:])
    return SentenceTransformerEmbedder(ModelFolder(folder), label="").encode_passages(_SAMPLE)


def _as_loaded(folder: Path) -> npt.NDArray[np.float32]:
    if _is_reranker(folder):
        return load_reranker(str(folder)).score(_SAMPLE[0], _SAMPLE[1:])
    return load_embedder(str(folder)).encode_passages(_SAMPLE)


if __name__ == "__main__":
    main()
