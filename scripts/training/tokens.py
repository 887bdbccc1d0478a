"""Passages as token ids, in flat arrays: a few dozen megabytes instead of gigabytes of Python objects."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from tokenizers import Tokenizer

from training.corpus import TrainingPassage
from training.vocabulary import Ids, encode_texts

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TokenizedPassages:
    """`ids[sentence_starts[s] : sentence_starts[s + 1]]` is sentence s; `passage_starts` counts sentences likewise.

    `titles` and `headings` are token ids per passage. `chapters` number subject and heading: passages of one
    chapter say the same so often that they are no negatives of each other.
    """

    ids: Ids
    sentence_starts: npt.NDArray[np.int64]
    passage_starts: npt.NDArray[np.int64]
    titles: list[list[int]]
    headings: list[list[int]]
    works: npt.NDArray[np.int64]
    subjects: npt.NDArray[np.int64]
    chapters: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.passage_starts) - 1

    def tokens(self, passage: int) -> Ids:
        first, last = self.passage_starts[passage], self.passage_starts[passage + 1]
        return self.ids[self.sentence_starts[first] : self.sentence_starts[last]]

    def sentences(self, first: int, last: int) -> list[int]:
        """The token ids of sentences `first` to `last`, the last one left out."""
        span: list[int] = self.ids[self.sentence_starts[first] : self.sentence_starts[last]].tolist()
        return span


def tokenize_passages(passages: Sequence[TrainingPassage], tokenizer: Tokenizer) -> TokenizedPassages:
    sentences = encode_texts((text for passage in passages for text in passage.sentences), tokenizer)
    pieces = [np.array(ids, dtype=np.int32) for ids in sentences]
    return TokenizedPassages(
        ids=np.concatenate(pieces),
        sentence_starts=_starts([len(piece) for piece in pieces]),
        passage_starts=_starts([len(passage.sentences) for passage in passages]),
        titles=list(encode_texts((passage.work for passage in passages), tokenizer)),
        headings=list(encode_texts((passage.heading for passage in passages), tokenizer)),
        works=_number([passage.work for passage in passages]),
        subjects=_number([passage.subject for passage in passages]),
        chapters=_number([f"{passage.subject} {passage.heading}" for passage in passages]),
    )


def count_tokens(passages: TokenizedPassages, vocabulary_size: int) -> sp.csr_matrix:
    """(passages, vocabulary) counts."""
    starts = passages.sentence_starts[passages.passage_starts]
    data = np.ones(len(passages.ids), dtype=np.float32)
    counts = sp.csr_matrix((data, passages.ids.copy(), starts), shape=(len(passages), vocabulary_size))
    counts.sum_duplicates()
    return counts


def inverse_document_frequency(counts: sp.csr_matrix) -> Floats:
    """ln((N + 1) / (df + 1)) + 0.1 for each token; above zero, so that no token is lost."""
    documents = np.bincount(counts.indices, minlength=counts.shape[1])
    idf: Floats = (np.log((counts.shape[0] + 1) / (documents + 1)) + 0.1).astype(np.float32)
    return idf


def _starts(lengths: list[int]) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _number(names: list[str]) -> npt.NDArray[np.int64]:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


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
