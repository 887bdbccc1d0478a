"""Question-passage pairs: drawn from the texts themselves, and the ones people wrote."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from tokenizers import Tokenizer

from training.tokens import Floats, TokenizedPassages
from training.vocabulary import encode_texts

# What people put around the words they ask for. Learning to ignore it is half of understanding a question.
_TAILS = (
    "是什么", "有哪些", "有哪些要求", "有什么规定", "怎么办", "如何处理", "怎么处罚", "由谁负责", "需要什么条件",
    "应当怎么做", "要求", "的措施", "的情况", "工作要求", "怎么规定的", "如何认定", "可以吗", "有什么后果", "是什么意思",
    "怎么说", "取得了哪些成绩", "存在哪些问题", "具体内容", "有何部署", "主要任务", "多少", "什么时候", "谁来管",
)  # fmt: skip
_HEADS = ("关于", "如何", "怎样", "哪些", "什么是", "请问", "对于", "为什么", "怎么", "谁负责", "有没有")
_MAX_SEGMENT_TOKENS = 80
_MAX_PASSAGE_TOKENS = 120
_MIN_SEGMENT_TOKENS = 8
_SHARES = {"words": 0.42, "span": 0.25, "title": 0.10, "neighbour": 0.05, "parallel": 0.18}

Tokens = list[int]


@dataclass(frozen=True, slots=True)
class HumanPair:
    """A question's token ids and the position of a passage that answers it."""

    question: Tokens
    passage: int


@dataclass(frozen=True, slots=True)
class PairSource:
    """Everything pairs are drawn from. `passage_weights` says how often each passage is drawn."""

    passages: TokenizedPassages
    idf: Floats
    passage_weights: npt.NDArray[np.float64]
    parallels: npt.NDArray[np.int64]
    human: Sequence[HumanPair]
    tails: Sequence[Tokens]
    heads: Sequence[Tokens]
    synonyms: Mapping[int, Sequence[Tokens]]
    human_share: float = 0.15


@dataclass(slots=True)
class Batch:
    questions: list[Tokens] = field(default_factory=list)
    passages: list[Tokens] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)


def question_phrases(tokenizer: Tokenizer) -> tuple[list[Tokens], list[Tokens]]:
    """Token ids of the tails and heads of questions."""
    return list(encode_texts(_TAILS, tokenizer)), list(encode_texts(_HEADS, tokenizer))


def tokenize_synonyms(synonyms: Mapping[str, Sequence[str]], tokenizer: Tokenizer) -> dict[int, list[Tokens]]:
    """The synonyms of each word that is one token."""
    words = list(encode_texts(synonyms, tokenizer))
    return {
        word[0]: list(encode_texts(others, tokenizer))
        for word, others in zip(words, synonyms.values(), strict=True)
        if len(word) == 1
    }


def find_parallels(
    counts: sp.csr_matrix, idf: Floats, passages: TokenizedPassages, *, low: float = 0.35, high: float = 0.9
) -> npt.NDArray[np.int64]:
    """(n, 2) positions of passages that say the same in other words: nearest by TF-IDF cosine among the
    regulations of one subject in other regions, near-copies left out."""
    weighted = counts.log1p().multiply(idf).tocsr()
    norms = np.sqrt(weighted.multiply(weighted).sum(axis=1)).A1.clip(1e-9)
    unit = sp.diags(1 / norms) @ weighted
    order = np.argsort(passages.subjects, kind="stable")
    bounds = np.flatnonzero(np.diff(passages.subjects[order])) + 1
    found = []
    for members in np.split(order, bounds):
        if len(set(passages.works[members])) > 1:
            found.append(_nearest_elsewhere(unit[members], passages.works[members], members, low, high))
    return np.concatenate(found)


def _nearest_elsewhere(
    unit: sp.csr_matrix, works: npt.NDArray[np.int64], members: npt.NDArray[np.int64], low: float, high: float
) -> npt.NDArray[np.int64]:
    cosines = (unit @ unit.T).toarray()
    cosines[works[:, None] == works[None, :]] = 0
    cosines[cosines > high] = 0
    best = cosines.argmax(axis=1)
    good = cosines.max(axis=1) >= low
    return np.stack([members[good], members[best[good]]], axis=1)


class PairSampler:
    """Draws batches, the same ones for the same seed."""

    def __init__(self, source: PairSource, seed: int) -> None:
        self._source = source
        self._random = random.Random(seed)
        self._numbers = np.random.default_rng(seed)
        self._keys = source.idf.astype(np.float64) ** 1.5
        self._cumulative = np.cumsum(source.passage_weights)
        self._drawn: list[int] = []
        self._kinds: dict[str, Callable[[int], tuple[Tokens, Tokens, int]]] = {
            "words": self._words,
            "span": self._span,
            "title": self._title,
            "neighbour": self._neighbour,
        }

    def draw(self, size: int) -> Batch:
        batch = Batch()
        while len(batch.questions) < size:
            question, passage, position = self._draw_pair()
            if question and passage:
                batch.questions.append(question)
                batch.passages.append(passage)
                batch.positions.append(position)
        return batch

    def _draw_pair(self) -> tuple[Tokens, Tokens, int]:
        if self._source.human and self._random.random() < self._source.human_share:
            return self._human()
        kind = self._random.choices(list(_SHARES), list(_SHARES.values()))[0]
        if kind == "parallel":
            return self._parallel()
        return self._kinds[kind](self._next_passage())

    def _next_passage(self) -> int:
        if not self._drawn:
            points = self._numbers.random(8192) * self._cumulative[-1]
            self._drawn = np.searchsorted(self._cumulative, points).tolist()
        return self._drawn.pop()

    def _words(self, passage: int) -> tuple[Tokens, Tokens, int]:
        segment = self._segment(passage)
        if len(segment) < _MIN_SEGMENT_TOKENS:
            return [], [], passage
        tokens = np.array(segment)
        keys = self._numbers.exponential(size=len(tokens)) / self._keys[tokens]
        how_many = self._random.choices((1, 2, 3, 4, 5), (1, 3, 3, 2, 1))[0]
        chosen = tokens[np.sort(np.argpartition(keys, how_many)[:how_many])].tolist()
        rest = self._without(segment, set(chosen)) if self._random.random() < 0.5 else segment
        return self._dress(self._reword(chosen)), self._name(rest, passage), passage

    def _span(self, passage: int) -> tuple[Tokens, Tokens, int]:
        segment = self._segment(passage)
        length = self._random.randint(3, 12)
        if len(segment) < length + _MIN_SEGMENT_TOKENS:
            return [], [], passage
        start = self._random.randrange(len(segment) - length + 1)
        span = segment[start : start + length]
        rest = segment[:start] + segment[start + length :] if self._random.random() < 0.7 else segment
        return span, self._name(rest, passage), passage

    def _title(self, passage: int) -> tuple[Tokens, Tokens, int]:
        texts = self._source.passages
        heading = texts.headings[passage]
        question = heading if heading and self._random.random() < 0.3 else texts.titles[passage] + heading
        return self._dress(question), self._segment(passage), passage

    def _neighbour(self, passage: int) -> tuple[Tokens, Tokens, int]:
        texts = self._source.passages
        other = passage + 1
        if other == len(texts) or texts.works[other] != texts.works[passage]:
            return [], [], passage
        return self._segment(passage), self._segment(other), other

    def _parallel(self) -> tuple[Tokens, Tokens, int]:
        one, other = self._source.parallels[self._random.randrange(len(self._source.parallels))].tolist()
        return self._cut(one, _MAX_SEGMENT_TOKENS), self._cut(other, _MAX_SEGMENT_TOKENS), other

    def _human(self) -> tuple[Tokens, Tokens, int]:
        pair = self._source.human[self._random.randrange(len(self._source.human))]
        question = [token for token in pair.question if self._random.random() < 0.9]
        passage = self._name(self._cut(pair.passage, _MAX_PASSAGE_TOKENS), pair.passage)
        return question, [token for token in passage if self._random.random() < 0.9], pair.passage

    def _segment(self, passage: int) -> Tokens:
        """One to three neighbouring sentences, with what leads into them now and then."""
        texts = self._source.passages
        first, last = texts.passage_starts[passage : passage + 2].tolist()
        start = self._random.randrange(first, last)
        end = min(start + self._random.choice((1, 2, 2, 3)), last)
        tokens = texts.sentences(start, end)
        if len(tokens) < _MIN_SEGMENT_TOKENS:
            tokens = texts.sentences(max(first, start - 1), min(end + 1, last))
        elif start > first and self._random.random() < 0.3:
            tokens = texts.sentences(first, first + 1)[:30] + tokens
        return tokens[:_MAX_SEGMENT_TOKENS]

    def _cut(self, passage: int, limit: int) -> Tokens:
        """`limit` tokens of the passage at most, from anywhere in it."""
        tokens: Tokens = self._source.passages.tokens(passage).tolist()
        start = self._random.randrange(max(len(tokens) - limit, 0) + 1)
        return tokens[start : start + limit]

    def _name(self, tokens: Tokens, passage: int) -> Tokens:
        """`tokens`, with the law's or report's title in front one time in three."""
        return self._source.passages.titles[passage] + tokens if self._random.random() < 0.33 else tokens

    def _without(self, tokens: Tokens, dropped: set[int]) -> Tokens:
        return [token for token in tokens if token not in dropped]

    def _reword(self, words: Tokens) -> Tokens:
        """The words, each that has synonyms replaced by one of them half of the time."""
        reworded: Tokens = []
        for word in words:
            others = self._source.synonyms.get(word)
            if others and self._random.random() < 0.5:
                reworded.extend(self._random.choice(others))
            else:
                reworded.append(word)
        return reworded

    def _dress(self, words: Tokens) -> Tokens:
        """The words as a question: sometimes with a head, often with a tail."""
        luck = self._random.random()
        if luck < 0.30:
            return words + self._random.choice(self._source.tails)
        if luck < 0.40:
            return self._random.choice(self._source.heads) + words
        return words
