"""The table of token vectors and how it learns.

While it learns, a token's vector is its own plus the mean of its parts' (its characters and the words inside it),
so that rare words borrow from what they are made of; `folded` gives the sums.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils.extmath import randomized_svd

from training.tokens import Floats


@dataclass(frozen=True, slots=True)
class Learning:
    """Adam with one second moment a row, touched rows only; warm-up, then cosine decay to a twentieth."""

    steps: int
    rate: float
    scale: float = 20.0
    warm_up: int = 100
    first_decay: float = 0.9
    second_decay: float = 0.99

    def rate_at(self, step: int) -> float:
        if step < self.warm_up:
            return self.rate * (step + 1) / self.warm_up
        done = (step - self.warm_up) / max(self.steps - self.warm_up, 1)
        return self.rate * (0.05 + 0.95 * (1 + math.cos(math.pi * done)) / 2)


def token_parts(words: Sequence[str]) -> sp.csr_matrix:
    """(V, V), row w = the mean over the characters of word w and the words inside it; empty for characters."""
    position = {word: number for number, word in enumerate(words)}
    rows, columns, values = [], [], []
    for word, row in position.items():
        inner = {word[i:j] for i in range(len(word)) for j in range(i + 1, len(word) + 1)} - {word}
        parts = sorted(position[part] for part in inner if part in position) if "<" not in word else []
        rows.extend([row] * len(parts))
        columns.extend(parts)
        values.extend([1 / max(len(parts), 1)] * len(parts))
    return sp.csr_matrix((values, (rows, columns)), shape=(len(words), len(words)), dtype=np.float32)


def initial_vectors(counts: sp.csr_matrix, idf: Floats, dimensions: int, *, seed: int) -> Floats:
    """(V, dimensions): latent semantic directions of the words, as long as their idf."""
    weighted = counts.log1p().multiply(idf).tocsr().astype(np.float32)
    lengths = np.sqrt(weighted.multiply(weighted).sum(axis=1)).A1.clip(1e-6)
    unit = (sp.diags((1 / lengths).astype(np.float32)) @ weighted).T.tocsr()
    left, singular, _ = randomized_svd(unit, dimensions, n_iter=3, random_state=seed)
    vectors = left * np.sqrt(singular)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Floats = (vectors / norms.clip(1e-9) * (norms > 1e-7) * idf[:, None]).astype(np.float32)
    return scaled


class TokenTable:
    """(V, d) own vectors and their moments."""

    def __init__(self, own: Floats, parts: sp.csr_matrix, learning: Learning) -> None:
        self.own = own
        self._compose = (sp.identity(len(own), dtype=np.float32, format="csr") + parts).tocsr()
        self._learning = learning
        self._first = np.zeros_like(own)
        self._second = np.zeros(len(own), dtype=np.float32)
        self._touched = np.zeros(len(own), dtype=np.int64)
        self._step = 0

    def folded(self) -> Floats:
        vectors: Floats = self._compose @ self.own
        return vectors

    def learn(
        self, questions: Sequence[Sequence[int]], passages: Sequence[Sequence[int]], offsets: Floats
    ) -> float:
        """One step of symmetric InfoNCE with in-batch negatives. Returns the loss.

        `offsets` (n, n) is added to the scores: minus infinity leaves a pair out, a positive number says that
        the two are as near as that already without this model.
        """
        used, bags = _bags([*questions, *passages])
        compose = self._compose[used]
        rows = np.unique(compose.indices)
        compose = _narrow(compose, rows)
        sums = bags @ (compose @ self.own[rows])
        norms = np.linalg.norm(sums, axis=1, keepdims=True).clip(1e-6)
        unit = sums / norms
        loss, slope = _contrast(unit, len(questions), offsets, self._learning.scale)
        slope = (slope - unit * np.einsum("ij,ij->i", slope, unit)[:, None]) / norms
        self._update(rows, compose.T @ (bags.T @ slope))
        return loss

    def _update(self, rows: npt.NDArray[np.int32], gradient: Floats) -> None:
        learning = self._learning
        self._touched[rows] += 1
        age = self._touched[rows]
        first = self._first[rows]
        first *= learning.first_decay
        gradient *= 1 - learning.first_decay
        first += gradient
        self._first[rows] = first
        square = (
            np.einsum("ij,ij->i", gradient, gradient) / gradient.shape[1] / (1 - learning.first_decay) ** 2
        )
        second = learning.second_decay * self._second[rows] + (1 - learning.second_decay) * square
        self._second[rows] = second
        rate = learning.rate_at(self._step) / (1 - learning.first_decay**age)
        first *= (-rate / (np.sqrt(second / (1 - learning.second_decay**age)) + 1e-10))[:, None].astype(
            np.float32
        )
        self.own[rows] += first
        self._step += 1


def own_vectors(targets: Floats, parts: sp.csr_matrix, words: Sequence[str], trust: Floats) -> Floats:
    """Own vectors whose folded sums come near `targets`: shorter words first, each leaving to its own vector what
    its parts do not say, as far as `trust` (0..1) goes."""
    own = np.zeros_like(targets)
    lengths = np.array([len(word) for word in words])
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        own[rows] = (targets[rows] - parts[rows] @ own) * trust[rows, None]
    return own


def known_words(questions: Sequence[Sequence[int]], passages: Sequence[Sequence[int]], idf: Floats) -> Floats:
    """(questions, passages): the share of each question's words, by idf, that stand in the passage."""
    asked, held = _binary(questions, len(idf)), _binary(passages, len(idf))
    weighted = asked.multiply(idf).tocsr()
    weighted = sp.diags((1 / weighted.sum(axis=1).A1).astype(np.float32)) @ weighted
    shares: Floats = (weighted @ held.T).toarray()
    return shares


def _binary(texts: Sequence[Sequence[int]], width: int) -> sp.csr_matrix:
    used, bags = _bags(texts)
    return sp.csr_matrix(
        (np.ones_like(bags.data), used[bags.indices], bags.indptr), shape=(len(texts), width)
    )


def _bags(texts: Sequence[Sequence[int]]) -> tuple[npt.NDArray[np.int64], sp.csr_matrix]:
    """The distinct tokens of `texts`, and (texts, distinct) shares of them."""
    lengths = np.array([len(text) for text in texts])
    flat = np.concatenate([np.asarray(text, dtype=np.int64) for text in texts])
    used, inverse = np.unique(flat, return_inverse=True)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    shares = np.repeat(1 / lengths, lengths).astype(np.float32)
    bags = sp.csr_matrix((shares, inverse, starts), shape=(len(texts), len(used)))
    bags.sum_duplicates()
    return used, bags


def _narrow(matrix: sp.csr_matrix, columns: npt.NDArray[np.int32]) -> sp.csr_matrix:
    """`matrix` with only `columns`, which hold all its entries."""
    indices = np.searchsorted(columns, matrix.indices)
    return sp.csr_matrix((matrix.data, indices, matrix.indptr), shape=(matrix.shape[0], len(columns)))


def _contrast(unit: Floats, n: int, offsets: Floats, scale: float) -> tuple[float, Floats]:
    """The loss, and its slope at the unit vectors: the first n rows are questions, the others their passages."""
    questions, passages = unit[:n], unit[n:]
    scores = (questions @ passages.T) * np.float32(scale) + offsets
    exponents = np.exp(scores - scores.max())
    by_row = exponents / exponents.sum(axis=1, keepdims=True)
    by_column = exponents / exponents.sum(axis=0, keepdims=True)
    right = np.arange(n)
    loss = -(np.log(by_row[right, right] + 1e-12).mean() + np.log(by_column[right, right] + 1e-12).mean()) / 2
    slope = (by_row + by_column) / 2
    slope[right, right] -= 1
    slope *= scale / n
    return float(loss), np.concatenate([slope @ passages, slope.T @ questions])
