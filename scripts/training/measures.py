"""BM25 to compare with, nDCG, recall, and how sure a mean is."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from embeddings.terms import extract_terms
from training.corpus import Question, compare_key
from training.tokens import Floats

_BEST = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean and its 95 % bootstrap interval, in points of a hundred."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:5.1f} [{self.low:.1f}, {self.high:.1f}]"


class Bm25:
    """BM25 on characters and pairs, k1 = 1.2, b = 0.75, scored for all passages at once."""

    def __init__(self, texts: Sequence[str], *, k1: float = 1.2, b: float = 0.75) -> None:
        self._columns: dict[str, int] = {}
        indices, starts = list[int](), [0]
        for text in texts:
            indices.extend(self._columns.setdefault(term, len(self._columns)) for term in extract_terms(text))
            starts.append(len(indices))
        shape = (len(texts), len(self._columns))
        counts = sp.csr_matrix((np.ones(len(indices), dtype=np.float32), indices, starts), shape=shape)
        counts.sum_duplicates()
        lengths = np.diff(starts)
        frequencies = np.bincount(counts.indices, minlength=shape[1])
        idf = np.log(1 + (len(texts) - frequencies + 0.5) / (frequencies + 0.5))
        saturation = np.repeat(k1 * (1 - b + b * lengths / lengths.mean()), np.diff(counts.indptr))
        counts.data = (idf[counts.indices] * counts.data * (k1 + 1) / (counts.data + saturation)).astype(
            np.float32
        )
        self._weights = counts.T.tocsr()

    def scores(self, query: str) -> Floats:
        columns = [self._columns[term] for term in extract_terms(query) if term in self._columns]
        summed: Floats = np.asarray(self._weights[columns].sum(axis=0), dtype=np.float32).ravel()
        return summed


def ndcg(found: Sequence[str], gold: set[str]) -> float:
    """nDCG@10 (Järvelin and Kekäläinen 2002) with gains of 0 and 1; `found` names each passage once, best first."""
    discounts = 1 / np.log2(np.arange(2, _BEST + 2))
    gained = sum(discount for name, discount in zip(found, discounts, strict=False) if name in gold)
    return float(gained / discounts[: len(gold)].sum())


def recall(found: Sequence[str], gold: set[str], depth: int) -> float:
    return len(gold & set(found[:depth])) / len(gold)


def bootstrap(values: npt.NDArray[np.float64], *, rounds: int = 2000) -> Figure:
    draws = np.random.default_rng(0).integers(len(values), size=(rounds, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), (0.025, 0.975))
    return Figure(float(values.mean()), float(low), float(high))


def answer_keys(question: Question) -> list[str]:
    return [compare_key(text) for _, text in question.answers]


def draw(text: str) -> int:
    return zlib.crc32(text.encode())
