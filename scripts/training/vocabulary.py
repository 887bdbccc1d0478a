"""The words that get a vector, and the tokenizer that finds them.

A Unigram tokenizer whose scores are log frequencies segments as jieba does, in Rust and without jieba.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Regex, Tokenizer
from tokenizers.models import Unigram
from tokenizers.normalizers import NFKC, Lowercase
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import Split

from embeddings.terms import fold, is_han

UNKNOWN = "<unk>"
UNKNOWN_ID = 0
_MAX_WORD_CHARS = 8
_MIN_COUNT = 5
# Rare, yet likelier than the product of its characters.
_LISTED_FREQUENCY = 60.0
# Function characters and numbers: frequent neighbours of everything, never the edge of a new word.
_NEVER_AT_EDGE = frozenset(
    "的了和与及或在是有为由对将把被从到向以于其该此这那之等并且而但也都还又不未无要应可能须得所各每某本"
    "第条款项年月日时分元万亿个名次倍一二三四五六七八九十百千零两几多约者后前中内外上下间起至给作因更很较就会使比同让我们说过好"
)

Counts = dict[str, float]
Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Mining:
    """What a run of tokens must show to be called a word."""

    min_count: int = 12
    min_information: float = 5.0
    min_entropy: float = 1.6
    max_chars: int = 5


def gb2312_characters() -> list[str]:
    """The Han characters of GB2312."""
    raw = (bytes((row + 0xA0, cell + 0xA0)) for row in range(16, 88) for cell in range(1, 95))
    return [character for code in raw if (character := code.decode("gb2312", errors="ignore"))]


def general_frequencies(dictionary: Path) -> Counts:
    """Word -> frequency of jieba's word list, folded, of Han words only."""
    frequencies: Counts = {}
    with dictionary.open(encoding="utf-8") as lines:
        for line in lines:
            word, frequency, *_ = line.split()
            word = fold(word)
            if len(word) <= _MAX_WORD_CHARS and all(is_han(character) for character in word):
                frequencies[word] = frequencies.get(word, 0.0) + float(frequency)
    return frequencies


def build_vocabulary(texts: Sequence[str], general: Counts, listed: Sequence[str], *, size: int) -> Counts:
    """Word -> frequency on the scale of `general`: all of GB2312, letters, digits, the words and new words of
    `texts`, those `listed` that would fall into characters, and the commonest general words up to `size`."""
    required = _required(texts)
    required |= dict.fromkeys(
        _falling_apart(listed, build_tokenizer({**required, **general})), _LISTED_FREQUENCY
    )
    seeded = {**required, **general}
    mined: Counts = {}
    for mining in (Mining(), Mining(min_count=20)):
        tokenizer = build_tokenizer({**seeded, **mined})
        sentences, counts = _tokenize(texts, tokenizer)
        scale = sum(general.values()) / counts.sum()
        mined |= {
            word: count * scale for word, count in mine_words(sentences, counts, tokenizer, mining).items()
        }
    words = {**seeded, **mined}
    tokenizer = build_tokenizer(words)
    seen = _tokenize(texts, tokenizer)[1]
    counts_by_word = dict(zip(vocabulary_of(tokenizer), seen.tolist(), strict=True))
    return _keep(words, counts_by_word, required, size)


def build_tokenizer(frequencies: Counts) -> Tokenizer:
    """A tokenizer that cuts Han, letters and digits into the likeliest words and drops all else."""
    total = sum(frequencies.values())
    ranked = sorted(frequencies.items(), key=lambda entry: (-entry[1], entry[0]))
    scored = [(UNKNOWN, -99.0), *((word, round(math.log(max(n, 1.0) / total), 3)) for word, n in ranked)]
    tokenizer = Tokenizer(Unigram(scored, unk_id=UNKNOWN_ID))
    tokenizer.normalizer = Normalizers([NFKC(), Lowercase()])
    tokenizer.pre_tokenizer = Split(Regex(r"[^\p{L}\p{N}]+"), behavior="removed")
    return tokenizer


def vocabulary_of(tokenizer: Tokenizer) -> list[str]:
    """The tokens in the order of their ids."""
    return sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)


def encode_texts(texts: Iterable[str], tokenizer: Tokenizer, *, batch: int = 20_000) -> Iterator[list[int]]:
    remaining = iter(texts)
    while some := list(islice(remaining, batch)):
        for encoding in tokenizer.encode_batch_fast(some, add_special_tokens=False):
            yield encoding.ids


def mine_words(
    sentences: Ids, counts: npt.NDArray[np.int64], tokenizer: Tokenizer, mining: Mining
) -> dict[str, int]:
    """New words: neighbours that stand together more often than chance (pointwise mutual information, in nats),
    with many different neighbours on both sides (entropy), of which one at least is a single character.

    `sentences` holds token ids with -1 between sentences.
    """
    left, right = sentences[1:-2].astype(np.int64), sentences[2:-1].astype(np.int64)
    base = len(counts)
    whole = (left > UNKNOWN_ID) & (right > UNKNOWN_ID)
    keys, inverse, pair_counts = np.unique(
        np.where(whole, left * base + right, -1), return_inverse=True, return_counts=True
    )
    firsts, seconds = keys // base, keys % base
    information = np.log(pair_counts * counts.sum() / (counts[firsts] * counts[seconds]).clip(1))
    candidates = np.flatnonzero(
        (pair_counts >= mining.min_count) & (information >= mining.min_information) & (keys >= 0)
    )
    found: dict[str, int] = {}
    words = vocabulary_of(tokenizer)
    entropies = _edge_entropies(inverse, sentences, candidates, len(keys))
    for position, entropy in zip(candidates, entropies, strict=True):
        parts = words[firsts[position]], words[seconds[position]]
        if entropy >= mining.min_entropy and _could_be_word(parts, mining):
            found["".join(parts)] = int(pair_counts[position])
    return found


def _edge_entropies(
    inverse: npt.NDArray[np.int64], sentences: Ids, candidates: npt.NDArray[np.int64], pairs: int
) -> npt.NDArray[np.float64]:
    """For each candidate pair the entropy of its neighbours, on the poorer of the two sides."""
    slot = np.full(pairs, -1, dtype=np.int64)
    slot[candidates] = np.arange(len(candidates))
    where = np.flatnonzero(slot[inverse] >= 0)
    owners = slot[inverse[where]]
    sides = (sentences[where], sentences[where + 3])
    before, after = (_entropies(owners, side.astype(np.int64), len(candidates)) for side in sides)
    return np.minimum(before, after)


def _entropies(
    owners: npt.NDArray[np.int64], neighbours: npt.NDArray[np.int64], n: int
) -> npt.NDArray[np.float64]:
    """The entropy of `neighbours` for each owner; every sentence edge counts as a neighbour of its own."""
    edge = neighbours < 0
    distinct = np.where(edge, -1 - np.arange(len(neighbours)), neighbours)
    pairs, counts = np.unique(np.stack([owners, distinct]), axis=1, return_counts=True)
    totals = np.bincount(owners, minlength=n)
    shares = counts / totals[pairs[0]]
    return np.bincount(pairs[0], weights=-shares * np.log(shares), minlength=n).astype(np.float64)


def _could_be_word(parts: tuple[str, str], mining: Mining) -> bool:
    word = "".join(parts)
    return (
        len(word) <= mining.max_chars
        and min(map(len, parts)) == 1
        and all(is_han(character) for character in word)
        and word[0] not in _NEVER_AT_EDGE
        and word[-1] not in _NEVER_AT_EDGE
    )


def _falling_apart(words: Sequence[str], tokenizer: Tokenizer) -> list[str]:
    """Those of `words` that are cut into parts one of which is a single character: 危化品, not 网上购物."""
    distinct = sorted(set(words))
    tokens = vocabulary_of(tokenizer)
    parts = ([tokens[number] for number in ids] for ids in encode_texts(distinct, tokenizer))
    return [
        word
        for word, its in zip(distinct, parts, strict=True)
        if len(its) > 1 and min(map(len, its)) == 1 and len(word) <= Mining().max_chars
    ]


def _required(texts: Sequence[str]) -> Counts:
    """What must have a token so that nothing is unknown: GB2312, ASCII, and whatever letters `texts` hold."""
    met = {character for text in texts for character in set(text) if character.isalnum()}
    ascii_characters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return dict.fromkeys(sorted({*gb2312_characters(), *ascii_characters, *met}), 1.0)


def _tokenize(texts: Sequence[str], tokenizer: Tokenizer) -> tuple[Ids, npt.NDArray[np.int64]]:
    """Token ids of all texts with -1 around each (two at the ends), and how often each id stands there."""
    pieces = [np.array([*ids, -1], dtype=np.int32) for ids in encode_texts(texts, tokenizer)]
    ids = np.concatenate([np.full(1, -1, dtype=np.int32), *pieces, np.full(1, -1, dtype=np.int32)])
    return ids, np.bincount(ids[ids >= 0], minlength=tokenizer.get_vocab_size()).astype(np.int64)


def _keep(words: Counts, seen: dict[str, int], required: Counts, size: int) -> Counts:
    """`required`, then the words seen often enough, then the commonest others, `size` in all with the unknown."""
    by_use = sorted(words, key=lambda word: (word not in required, -seen.get(word, 0), -words[word], word))
    in_use = [word for word in by_use if word in required or seen.get(word, 0) >= _MIN_COUNT]
    chosen = dict.fromkeys(in_use)
    by_frequency = sorted(words, key=lambda word: (-words[word], word))
    chosen |= dict.fromkeys(by_frequency)
    return {word: words[word] for word in islice(chosen, size - 1)}
