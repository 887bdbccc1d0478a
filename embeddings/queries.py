"""A question as the lexical leg and the ranking see it: its words without the question around them."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embeddings.answer_types import Wanted, read_wanted
from embeddings.commonness import load_commonness
from embeddings.errors import EmptyText, TooLarge
from embeddings.regions import find_regions
from embeddings.storage import Snapshot
from embeddings.synonyms import load_synonyms
from embeddings.term_counts import TermCounter
from embeddings.terms import extract_terms, fold, is_han, term_runs

# So many segments weigh what is known of terms at large; a term that is hardly ever seen weighs so much.
_PRIOR_SEGMENTS = 100
_RAREST = 10.0
Presence = npt.NDArray[np.float64]
"""(texts, terms): 0..1, how far each term of a query is there."""

MAX_QUERY_CHARS = 2_000
# A query of more terms than this is a pasted paragraph, and is searched for by so many of them.
_PASTED_TERMS, _SEARCHED_TERMS = 200, 64
# The commonest terms that together have this share of the weight are not searched for.
_LEAST_SAID = 0.15
_ASKING = re.compile(
    "^(?:有人)?在(?=[吗嘛么])|^好[的吧]?$|[你您]好|谢谢|"
    "(?:是|在)?(?:第几|哪一?)(?:个方面|个部分|点|条|章|节|部分)(?:里|中)?(?:讲|说|提|谈|强调|规定)?(?:了|到|的)?"
    "|请问|请教|麻烦|帮我|告诉我|我想知道|(?:是|有|叫|为|做|干|用)什么|什么(?:是|叫|时候|样|人)|什么|(?:是|有|归|由|在)?哪(?:些|个|一个|一项|一|里|儿|位|几|年|天)"
    "|怎么(?:办|样|做|处理)?|咋|怎样|如何|为何|有?多少|几(?=[个次项条名人起家])|是否|是不是|有没有|能不能|可不可以|会不会|要不要"
    "|(?:是|由|归|找)?谁|[吗呢啊呀么]|(?<![网酒])吧|[的了是]"
)
# Two characters together are a term anyway.
_LEAST_PHRASE, _EDGES = 3, re.compile(r"^\W+|\W+$")
_YEAR = re.compile(r"(?<!\d)\d{4}(?=年)")
# A synonym is worth this much of the word; of so many of them passages are found by, and by so little.
_SYNONYM_WORTH, _SEARCHED_OTHERS, _SEARCHED_WORTH = 0.6, 1, 0.3
# Of a pair only one character is there: that is worth this much of the pair.
_CHARACTER_WORTH = 0.3


@dataclass(frozen=True, slots=True)
class Query:
    """`content` is what is left without the asking, `phrases` are what was asked and what is left, as they may stand in a
    text.

    `terms` are distinct; `counts` and `weights` (inverse document frequencies) have one entry for each.

    `searched` are those to find passages by, with the character pairs of synonyms, and what each counts for. `rarest`
    is the weight of a term that stands nowhere. `columns` are those of the terms, and of the pairs of characters that
    synonyms begin with, in what `counter` counts. `is_pasted` says that it is too long for a question. `is_word` tells
    runs of letters and digits from Han terms. `wanted` is what it wants to be told, `years` and `regions` are those that
    it names.
    """

    content: str
    phrases: tuple[str, ...]
    terms: tuple[str, ...]
    counts: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    positions: "Positions"
    searched: Mapping[str, float]
    rarest: float
    is_word: tuple[bool, ...]
    columns: Mapping[str, int]
    counter: TermCounter
    synonyms: "tuple[Synonym, ...]"
    is_pasted: bool
    wanted: Wanted
    years: tuple[str, ...]
    regions: set[str]

    def occurrences(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """(texts, terms): how often each term stands in each of `texts` (folded); where only a synonym does, that
        counts for part of it."""
        rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        distinct = list(rows)
        counted = self.counter.count(distinct)
        counts = counted[:, : len(self.terms)]
        said = [
            (row, place)
            for synonym in self.synonyms
            for row in {row for other in synonym.others for row in self._rows(other, counted, distinct)}
            for place in synonym.places
        ]
        if said:
            held = tuple(np.array(said).T)
            counts[held] = np.where(counts[held] == 0, _SYNONYM_WORTH, counts[held])
        return counts[[rows[text] for text in texts]]

    def _rows(self, other: str, counted: npt.NDArray[np.float64], texts: Sequence[str]) -> Iterator[int]:
        """Which of `texts` hold `other`: one of those, as `counter` has counted, that hold its first two characters."""
        begun = counted[:, self.columns[other[:2]]].nonzero()[0].tolist()
        return (row for row in begun if len(other) == 2 or other in texts[row])

    def presence(self, texts: Sequence[str]) -> Presence:
        """For each of `texts` (folded) and each term 1 where it stands there, less where only a synonym does,
        else 0."""
        return np.minimum(self.occurrences(texts), 1)

    def matched_words(self, text: str) -> tuple[str, ...]:
        """The longest runs of the query, of two characters or more, that stand in `text` (folded)."""
        words: list[str] = []
        for run in term_runs(self.content):
            start = 0
            while start < len(run):
                end = start
                while end < len(run) and run[start : end + 1] in text:
                    end += 1
                if end - start > 1 or (end > start and len(run) == 1):
                    words.append(run[start:end])
                start = max(end, start + 1)
        return tuple(dict.fromkeys(words))

    def asked(self) -> tuple[str, ...]:
        """What it ends with, which is mostly what of the matter is asked for: the pairs of its last three characters, or
        its last word."""
        tail = term_runs(self.content)[-1]
        pairs = tuple(tail[i : i + 2] for i in range(max(0, len(tail) - 3), len(tail) - 1))
        return pairs if pairs and is_han(tail[0]) else (tail,)

    def with_synonyms(self, text: str) -> str:
        """`text` (folded), and the words of the query that it says by a synonym."""
        same = [each.word for each in self.synonyms if any(other in text for other in each.others)]
        return "\n".join([text, *same])

    def weight(self) -> float:
        """How much it says: the weight of its characters and words together."""
        return float(self.positions.weights.sum())

    def coverage(self, present: Presence) -> npt.NDArray[np.float64]:
        """(texts,): the share of the query, by weight, that the terms in `present` cover."""
        if not (total := self.weight()):
            return np.zeros(len(present))
        padded = np.concatenate([present, np.zeros((len(present), 1))], axis=1)
        first, second, part = (
            padded.take(places, axis=1) for places in (*self.positions.whole.T, self.positions.part)
        )
        worth = np.maximum(np.maximum(first, second), _CHARACTER_WORTH * part)
        covered: npt.NDArray[np.float64] = (worth * self.positions.weights).sum(axis=1)
        return covered / total

    def evidence(self, coverage: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(texts,): how much such a share of the query is, in ten rarest terms, at most 1."""
        return np.minimum(1.0, coverage * self.weight() / (10 * self.rarest))


@dataclass(frozen=True, slots=True)
class Synonym:
    """A word of a query, the places of its terms in `Query.terms`, and the words that mean much the same."""

    word: str
    places: tuple[int, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Positions:
    """The characters and words of a query, n of them: the weight of each (n,), the two terms of which either
    covers it whole (n, 2) and the one that covers it in part (n,), each a place in `Query.terms` or -1."""

    weights: npt.NDArray[np.float64]
    whole: npt.NDArray[np.int64]
    part: npt.NDArray[np.int64]


def validate_query(query: str) -> str:
    """`query` folded to one spelling.

    Raises:
        EmptyText: it has no letter, digit or Han character.
        TooLarge: it is longer than `MAX_QUERY_CHARS`.
    """
    if len(query) > MAX_QUERY_CHARS:
        raise TooLarge(
            f"The query is {len(query):,} characters; at most {MAX_QUERY_CHARS:,} are searched for. Shorten it."
        )
    folded = fold(query)
    if not term_runs(folded):
        raise EmptyText("The query has no letter, digit or Han character. Ask with at least one word.")
    return folded


def strip_asking(folded: str) -> str:
    """`folded` without the words that only make a question of it."""
    return _ASKING.sub(" ", folded)


def blank_asking(folded: str) -> str:
    """As `strip_asking`, every character in its place."""
    return _ASKING.sub(lambda match: " " * len(match[0]), folded)


def read_query(folded: str, snapshot: Snapshot) -> Query:
    """The query `folded`, its terms weighted by how rare they are in `snapshot`."""
    content = strip_asking(folded)
    counts = Counter(extract_terms(content))
    is_pasted = len(counts) > _PASTED_TERMS
    terms, total = tuple(counts), snapshot.segment_count()
    frequencies = snapshot.frequencies(terms)
    if is_pasted:
        # Of a pasted paragraph the rarest pairs and words find it, and the rest costs time.
        places = {term: place for place, term in enumerate(terms) if len(term) > 1}
        rarest = sorted(places, key=lambda term: frequencies[places[term]])[:_SEARCHED_TERMS]
        terms, frequencies = tuple(rarest), [frequencies[places[term]] for term in rarest]
    weights = _inverse_frequencies(frequencies, total)
    index = {term: place for place, term in enumerate(terms)}
    # What was pasted stands there in the same words.
    synonyms = () if is_pasted else tuple(_read_synonyms(content, index))
    begins = (other[:2] for synonym in synonyms for other in synonym.others)
    columns = {term: column for column, term in enumerate(dict.fromkeys((*terms, *begins)))}
    return Query(
        content=content,
        phrases=tuple(_read_phrases(folded, content)),
        terms=terms,
        counts=np.array([counts[term] for term in terms], dtype=np.float64),
        weights=weights,
        positions=_read_positions(content, index, _blended_weights(terms, frequencies, total)),
        searched=_searched(terms, frequencies, weights, synonyms),
        rarest=_RAREST,
        is_word=tuple(not is_han(term[0]) for term in terms),
        columns=columns,
        counter=TermCounter(tuple(columns)),
        synonyms=synonyms,
        is_pasted=is_pasted,
        wanted=read_wanted(folded),
        years=tuple(_YEAR.findall(folded)),
        regions=find_regions(folded),
    )


def _read_phrases(*asked: str) -> Iterator[str]:
    """`asked`, as they may stand in a text, if they are long enough to tell."""
    for text in asked:
        phrase = _EDGES.sub("", text)
        if len(phrase) >= _LEAST_PHRASE:
            yield phrase


def _searched(
    terms: Sequence[str],
    frequencies: Sequence[int],
    weights: npt.NDArray[np.float64],
    synonyms: Sequence["Synonym"],
) -> dict[str, float]:
    """Those of `terms` that stand anywhere, less the commonest, which take most of the time and find nothing that the
    others do not; and the character pairs of `synonyms`."""
    places = [place for place in np.argsort(weights).tolist() if frequencies[place]]
    said = np.cumsum(weights[places])
    kept = [
        terms[place] for place, so_far in zip(places, said, strict=True) if so_far > _LEAST_SAID * said[-1]
    ]
    others = (other for synonym in synonyms for other in synonym.others[:_SEARCHED_OTHERS])
    pairs = (other[i : i + 2] for other in others for i in range(len(other) - 1))
    return dict.fromkeys(pairs, _SEARCHED_WORTH) | dict.fromkeys(kept, 1.0)


def _inverse_frequencies(frequencies: Sequence[int], total: int) -> npt.NDArray[np.float64]:
    """Robertson and Spärck Jones's weight, as BM25 in Lucene and tantivy has it."""
    return np.array([math.log(1 + (total - min(f, total) + 0.5) / (f + 0.5)) for f in frequencies])


def _blended_weights(terms: Sequence[str], frequencies: Sequence[int], total: int) -> npt.NDArray[np.float64]:
    """How much each term says of the matter: rare at large and, where the collection is large, rare in it."""
    common = load_commonness().of(terms)
    shares = (np.array(frequencies) + _PRIOR_SEGMENTS * common) / (total + _PRIOR_SEGMENTS)
    weights: npt.NDArray[np.float64] = np.log1p(1 / shares)
    return np.minimum(weights, _RAREST)


def _read_positions(content: str, index: dict[str, int], weights: npt.NDArray[np.float64]) -> Positions:
    rows = [row for run in term_runs(content) for row in _positions_of(run, index)]
    rows = [row for row in rows if row[:2] != (-1, -1)]
    whole = np.array([[first, second] for first, second, _ in rows], dtype=np.int64).reshape(-1, 2)
    # A character weighs as much as the commoner of its two pairs: that one is more likely inside a word.
    lightest = np.append(weights, np.inf)[whole].min(axis=1)
    return Positions(lightest, whole, np.array([part for _, _, part in rows], dtype=np.int64))


def _positions_of(run: str, index: dict[str, int]) -> list[tuple[int, int, int]]:
    if len(run) == 1 or not is_han(run[0]):
        return [(index.get(run, -1), -1, -1)]
    pairs = [-1, *(index.get(run[i : i + 2], -1) for i in range(len(run) - 1)), -1]
    return [(pairs[i], pairs[i + 1], index.get(character, -1)) for i, character in enumerate(run)]


def _read_synonyms(content: str, index: dict[str, int]) -> Iterator[Synonym]:
    lexicon = load_synonyms()
    for word in lexicon.find(content):
        others = tuple(other for other in lexicon.others[word] if other not in content)
        if others:
            known = tuple(index[term] for term in dict.fromkeys(extract_terms(word)) if term in index)
            if known:
                yield Synonym(word, known, others)
