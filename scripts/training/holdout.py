"""What the model finds for questions it was not trained on, beside BM25 and joined with it. Figures are nDCG@10."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from tokenizers import Tokenizer

from embeddings.terms import extract_terms
from training.corpus import Question, TrainingPassage, compare_key
from training.tokens import Floats
from training.vocabulary import encode_texts

FOLDS = 6
_DENSE_WEIGHT = 0.4
_MAX_SEGMENT_CHARS = 120
_MAX_SEGMENT_SENTENCES = 3
_BEST = 10


@dataclass(frozen=True, slots=True)
class Split:
    """`held_out` questions; `unseen` says for each whether no training question shares an answer with it."""

    training: list[Question]
    held_out: list[Question]
    unseen: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean and its 95 % bootstrap interval, in points of a hundred."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:5.1f} [{self.low:.1f}, {self.high:.1f}]"


def split_questions(questions: Sequence[Question], fold: int) -> Split:
    """One sixth held out. Half of the families of questions that share articles go to one fold as a whole, so
    that enough held-out questions have unseen answers; in the other half each question is drawn by itself."""
    families = _families(questions)
    folds = [
        _draw(family) % FOLDS if _draw(f"half {family}") % 2 else _draw(question.text) % FOLDS
        for question, family in zip(questions, families, strict=True)
    ]
    training = [question for question, its in zip(questions, folds, strict=True) if its != fold]
    held_out = [question for question, its in zip(questions, folds, strict=True) if its == fold]
    seen = {key for question in training for key in _answer_keys(question)}
    unseen = np.array([not seen & set(_answer_keys(question)) for question in held_out])
    return Split(training, held_out, unseen)


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


class DenseIndex:
    """Passages cut into segments of one to three sentences with their title in front; a passage scores as its
    best segment does."""

    def __init__(self, passages: Sequence[TrainingPassage], tokenizer: Tokenizer, vectors: Floats) -> None:
        self._tokenizer, self._vectors = tokenizer, vectors
        texts, starts = list[str](), list[int]()
        for passage in passages:
            starts.append(len(texts))
            texts.extend(f"{passage.work} {segment}" for segment in cut_segments(passage.sentences))
        self._segments = encode(texts, tokenizer, vectors)
        self._starts = np.array(starts)

    def scores(self, query: str) -> Floats:
        cosines = self._segments @ encode([query], self._tokenizer, self._vectors)[0]
        best: Floats = np.maximum.reduceat(cosines, self._starts)
        return best


def encode(texts: Sequence[str], tokenizer: Tokenizer, vectors: Floats) -> Floats:
    """(n, d): the unit mean of each text's token vectors; zeros for a text without tokens."""
    tokens = list(encode_texts(texts, tokenizer))
    flat = np.array([token for ids in tokens for token in ids], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum([len(ids) for ids in tokens])])
    bags = sp.csr_matrix(
        (np.ones(len(flat), dtype=np.float32), flat, starts), shape=(len(texts), len(vectors))
    )
    sums: Floats = bags @ vectors
    sums /= np.linalg.norm(sums, axis=1, keepdims=True).clip(1e-9)
    return sums


def cut_segments(sentences: Sequence[str]) -> list[str]:
    """Neighbouring sentences joined while they are at most three and short."""
    segments: list[list[str]] = []
    for sentence in sentences:
        last = segments[-1] if segments else []
        joined = sum(map(len, last)) + len(sentence)
        if last and len(last) < _MAX_SEGMENT_SENTENCES and joined <= _MAX_SEGMENT_CHARS:
            last.append(sentence)
        else:
            segments.append([sentence])
    return ["".join(segment) for segment in segments]


def measure(
    split: Split, positions: dict[str, int], lexical: Bm25, dense: DenseIndex
) -> dict[str, npt.NDArray[np.float64]]:
    """nDCG@10 of each held-out question by BM25, by the model, and by both."""
    gains: dict[str, list[float]] = {"BM25": [], "dense": [], "fusion": []}
    for question in split.held_out:
        gold = {positions[key] for key in _answer_keys(question)}
        by_words, by_meaning = lexical.scores(question.text), dense.scores(question.text)
        gains["BM25"].append(ndcg(by_words, gold))
        gains["dense"].append(ndcg(by_meaning, gold))
        gains["fusion"].append(ndcg(fuse(by_words, by_meaning), gold))
    return {leg: 100 * np.array(values) for leg, values in gains.items()}


def fuse(lexical: Floats, dense: Floats) -> Floats:
    """Scores divided by their maximum, joined with fixed weights."""
    by_words, by_meaning = lexical / lexical.max().clip(1e-9), dense / dense.max().clip(1e-9)
    fused: Floats = (1 - _DENSE_WEIGHT) * by_words + _DENSE_WEIGHT * by_meaning
    return fused


def ndcg(scores: Floats, gold: set[int]) -> float:
    best = np.argpartition(-scores, _BEST)[:_BEST]
    best = best[np.argsort(-scores[best], kind="stable")]
    discounts = 1 / np.log2(np.arange(2, _BEST + 2))
    gained = sum(discount for place, discount in zip(best, discounts, strict=True) if int(place) in gold)
    return float(gained / discounts[: len(gold)].sum())


def bootstrap(values: npt.NDArray[np.float64], *, rounds: int = 2000) -> Figure:
    draws = np.random.default_rng(0).integers(len(values), size=(rounds, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), (0.025, 0.975))
    return Figure(float(values.mean()), float(low), float(high))


def _families(questions: Sequence[Question]) -> list[str]:
    """For each question a name shared by all that are linked to it by common answers."""
    parents: dict[str, str] = {}

    def root(key: str) -> str:
        while parents.setdefault(key, key) != key:
            key = parents[key]
        return key

    for question in questions:
        first, *others = _answer_keys(question)
        for other in others:
            parents[root(other)] = root(first)
    return [root(_answer_keys(question)[0]) for question in questions]


def _answer_keys(question: Question) -> list[str]:
    return [compare_key(text) for _, text in question.answers]


def _draw(text: str) -> int:
    return zlib.crc32(text.encode())
