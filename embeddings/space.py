"""The space of an embedder's vectors, and what is known of it: how alike unrelated texts are there, where texts at large
are, and how alike words are."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from embeddings.embedder import Embedder, StaticEmbedder, load_builtin

# Sentences of no common matter: how alike an embedder finds them is what it finds of anything.
_UNRELATED = (
    "今天天气晴朗。",
    "公司召开股东大会。",
    "红烧肉要用小火慢炖。",
    "燃气管道每年检查一次。",
    "他买了一张火车票。",
    "数组的下标从零开始。",
)
# The similarity that questions have to the subject nearest to them, about.
_USUAL_NEAREST = 0.5
# A question is read more than once: for what is said of it, and for what is not; so many are kept in mind.
_LAST_READ = 16


class Space:
    """What tells how much a cosine means between vectors of `embedder`."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._words = embedder if isinstance(embedder, StaticEmbedder) else load_builtin()
        self._read = lru_cache(_LAST_READ)(self._words.words)
        self._read_by_builtin = self._read if self._words is load_builtin() else load_builtin().words
        vectors = embedder.encode_passages(_UNRELATED)
        cosines = vectors @ vectors.T
        self._background = max(0.0, float(cosines[~np.eye(len(cosines), dtype=bool)].mean()))

    def similarity(self, cosines: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """0..1: `cosines` above what unrelated texts have, over the most that they could be."""
        return np.maximum(0.0, (cosines - self._background) / max(1e-3, 1 - self._background))

    def nearest_subject(self, vector: npt.NDArray[np.float32]) -> float:
        """The similarity of `vector` (dim,) to the nearest subject of texts at large; where the model knows none, about
        what it is for most.

        A query that is nearer to what others write about than to anything in a library is hardly meant for it, as in
        speaker verification a voice that is nearer to a cohort of others (Auckenthaler et al. 2000).
        """
        subjects = self.embedder.subjects
        return float(self.similarity(np.vecdot(subjects, vector).max())) if len(subjects) else _USUAL_NEAREST

    def met(self, query: str, texts: Sequence[str]) -> list[float]:
        """For each of `texts`, 0..1: the share of the words of `query`, by what they weigh, that it says, in the same words
        or in others as far as they are alike: for each word of the query its likest in the text counts, as in late
        interaction (Khattab and Zaharia 2020)."""
        asked = self._read(query)
        weight = float(asked.weights.sum())
        if not weight:
            return [0.0] * len(texts)
        met = []
        for text in texts:
            alike = self._words.cosines(asked.vectors, text).max(axis=1, initial=0.0)
            stands = np.array([word in text for word in asked.texts])
            met.append(float(asked.weights @ np.where(stands, 1.0, alike)) / weight)
        return met

    def absent(self, query: str, texts: Sequence[str]) -> list[list[str]]:
        """For each of `texts` the words of `query`, as the built-in model tells them apart, that do not stand in it."""
        words = self._read_by_builtin(query).texts
        return [[word for word in words if word not in text] for text in texts]
