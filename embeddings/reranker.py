"""Texts read together with the query: a CrossEncoder that puts in order what the ranking found.

Two opinions make the score: the ranking's and the re-ranker's, which knows better what words mean and nothing of
the library. Their logits are averaged: the geometric mean of the two odds, so that neither has to be on the scale of
the other to be heard, and that one that does not know (0.5) leaves the order to the other. Whether anything
answers is decided before, by the ranking alone: its threshold was fitted to questions without an answer, and
nothing is known of what a re-ranker makes of those.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError

from embeddings.errors import ModelUnavailable
from embeddings.model_folder import ModelFolder, batches_by_length, find_folder, thread_count
from embeddings.onnx_graph import OnnxGraph, open_graph
from embeddings.types import Hit

_BATCH = 32
_REMEDY = "Or leave WENYUAN_RERANKER unset: then what the ranking found stays in its order."
_ACTIVATIONS = {"Sigmoid", "Identity"}
# The logit of a score that is 0 or 1 for all that can be told.
_FARTHEST = 12.0

Scores = npt.NDArray[np.float32]


class Reranker(Protocol):
    """Reads a query and a passage together."""

    def score(self, query: str, passages: Sequence[str]) -> Scores:
        """(len(passages),) float32, each in 0..1: how well a passage answers `query`."""
        ...


@dataclass(frozen=True, slots=True)
class Reranking:
    """A re-ranker, and how many of the best hits it judges."""

    reranker: Reranker
    hits: int = 30

    def apply(self, query: str, hits: Sequence[Hit]) -> list[Hit]:
        """`hits` (best first) in the order of both opinions, with the scores of both.

        Those after the first `self.hits` stay behind them, and score no higher.
        """
        judged = list(hits[: self.hits])
        opinions = self.reranker.score(query, [_as_read(hit) for hit in judged])
        again = sorted(map(_with_both, judged, opinions.tolist()), key=lambda hit: -hit.score)
        lowest = again[-1].score if again else 1.0
        rest = [replace(hit, score=min(hit.score, lowest)) for hit in hits[self.hits :]]
        return [replace(hit, rank=rank) for rank, hit in enumerate([*again, *rest], start=1)]


def load_reranker(name: str) -> Reranker:
    """The re-ranker for a sentence-transformers CrossEncoder: a folder, or a name on a model hub.

    Raises:
        ModelUnavailable: it cannot be had or read, or is no re-ranker; the message says what to do.
    """
    path = find_folder(name, remedy=_REMEDY)
    try:
        return _open(ModelFolder(path))
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, SafetensorError) as error:
        raise ModelUnavailable(
            f"The re-ranker “{name}” cannot be read: {error}. Give WENYUAN_RERANKER the path of a whole"
            f" sentence-transformers CrossEncoder folder. {_REMEDY}"
        ) from error


def _open(folder: ModelFolder) -> Reranker:
    classifies = any(
        name.endswith("ForSequenceClassification") for name in folder.config.get("architectures") or []
    )
    if not classifies and folder.settings.get("model_type") != "CrossEncoder":
        raise ValueError("it is no CrossEncoder: it has nothing that scores a pair of texts")
    if _activation(folder) not in _ACTIVATIONS:
        raise ValueError(f"its scores come from {_activation(folder)}; Sigmoid and Identity are understood")
    if (
        classifies
        and [module.kind for module in folder.modules] in ([], ["Transformer"])
        and _is_bare(folder)
    ):
        graph = open_graph(folder, output=["logits"])
        if graph is not None:
            return OnnxReranker(graph)
    return CrossEncoderReranker(folder.path)


class OnnxReranker:
    """A CrossEncoder of one label, run by onnxruntime."""

    def __init__(self, graph: OnnxGraph) -> None:
        self._graph = graph
        logits, _ = graph.run([("问", "答")])
        _check_labels(logits.shape[-1])

    def score(self, query: str, passages: Sequence[str]) -> Scores:
        logits = np.zeros(len(passages), dtype=np.float32)
        for rows in batches_by_length([len(passage) for passage in passages]):
            logits[rows] = self._graph.run([(query, passages[row]) for row in rows])[0][:, 0]
        return _sigmoid(logits)


class CrossEncoderReranker:
    """Any other CrossEncoder of one label, on torch. Safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        import torch
        from sentence_transformers import CrossEncoder
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]
        torch.set_num_threads(thread_count())
        self._as_it_is = torch.nn.Identity()
        self._model = CrossEncoder(str(path), device="cpu", local_files_only=True)
        self._running = Lock()
        _check_labels(self._model.num_labels)

    def score(self, query: str, passages: Sequence[str]) -> Scores:
        if not passages:
            return np.zeros(0, dtype=np.float32)
        with self._running:
            logits = self._model.predict(
                [(query, passage) for passage in passages],
                batch_size=_BATCH,
                activation_fn=self._as_it_is,
                show_progress_bar=False,
            )
        return _sigmoid(np.asarray(logits, dtype=np.float32))


def _activation(folder: ModelFolder) -> str:
    """What the model puts over its logits. Sigmoid and Identity differ in scale alone, and 0..1 is ours."""
    # Where sentence-transformers keeps it, the newest place first.
    told = [
        folder.settings.get("activation_fn"),
        (folder.config.get("sentence_transformers") or {}).get("activation_fn"),
        folder.config.get("sbert_ce_default_activation_function"),
    ]
    return str(next(filter(None, told), "Sigmoid")).rsplit(".", 1)[-1]


def _is_bare(folder: ModelFolder) -> bool:
    """Whether the two texts go into the graph as they are."""
    return folder.is_plain() and not folder.settings.get("default_prompt_name")


def _check_labels(labels: int) -> None:
    if labels != 1:
        raise ValueError(f"it gives a pair of texts {labels} labels; a re-ranker gives one")


def _as_read(hit: Hit) -> str:
    """What is shown, under the words that it stands under: without them a sentence does not say of what."""
    return "\n".join([hit.source.title, *hit.source.outline, hit.quote])


def _with_both(hit: Hit, opinion: float) -> Hit:
    score = _probability((_logit(hit.score) + _logit(opinion)) / 2)
    return replace(hit, score=score, why=replace(hit.why, rerank_score=opinion))


def _logit(probability: float) -> float:
    if not 0 < probability < 1:
        return math.copysign(_FARTHEST, probability - 0.5)
    return max(-_FARTHEST, min(_FARTHEST, math.log(probability / (1 - probability))))


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def _sigmoid(logits: npt.NDArray[np.float32]) -> Scores:
    scores: Scores = (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)
    return scores
