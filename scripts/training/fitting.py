"""Labelled questions asked of a collection, and the weights of the ranking fitted to what was found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

from embeddings import Collection, Question
from embeddings.answer_types import ANSWER_TYPES, read_wanted
from embeddings.embedder import load_builtin
from embeddings.evaluation import holds
from embeddings.fusion import FusionFeatures
from embeddings.queries import validate_query
from embeddings.ranking import LOOKED_AT_AGAIN, Scored, lead, look_again
from embeddings.weights import (
    Absence,
    Again,
    Confidence,
    Features,
    First,
    Logistic,
    Missing,
    Weights,
    absence_share,
    absence_vector,
    largeness,
    sigmoid,
)
from training.corpus import article_key
from training.measures import draw

FOLDS = 5
_START_FEATURES, _START_FIRST = (
    Features(7.0, 3.0, 1.0, 3.0, 0.0, -2.0, -1.5, 1.0, -0.5),
    First(1.0, 1.0, 0.5, 0.0, 0.0),
)
_NO_TYPES = dict.fromkeys(ANSWER_TYPES, 0.0)
START = Weights(
    FusionFeatures(0.3, 7.0, 6.0, 1.0, 2.0),
    _START_FEATURES,
    Again(0.0, 0.0),
    Confidence(
        Logistic(0.0, _START_FEATURES, _START_FIRST, _NO_TYPES),
        Logistic(-3.0, _START_FEATURES, _START_FIRST, _NO_TYPES),
        Absence(np.zeros(load_builtin().dim)),
    ),
    0.0,
)
# The questions on the laws together weigh so much of those on the seeds in the order of passages.
_LAWS_IN_ORDER = 0.3
# So many passages are seen of those found in the laws, to which the fusion is fitted, and of those in other libraries.
_SEEN_OF_LAWS, _SEEN = 100, 30
_BEHIND, _ELSEWHERE = Features._fields.index("behind"), Features._fields.index("elsewhere")
_CLOSE_LOOKS = 12
_RIDGE = 1e-3
# What is asked for is told in more ways than are read: in so many of the right hits it may be missed.
_MISREAD = 0.01
# How much the weights of the score may grow: of 0.01 to 3 what makes its logarithmic loss least.
_FREEDOM = 0.3
# What is hardly ever there, such as a lead-in that is asked about, is held down as if it were there more often.
_LEAST_SPREAD = 0.1
# As much for the direction of absent words; by what it makes of libraries that it was not fitted to.
_FREEDOM_OF_WORDS = 1.2
# What speaks for a hit never lowers its score, and all else never raises it.
_SPEAKS_FOR = {"lexical", "coverage", "evidence", "similarity", "topic", "lead", "met", "asked"}
_BOUNDS = [
    (None, None),
    *(
        (0.0, None) if name in _SPEAKS_FOR else (None, 0.0)
        for name in (*Features._fields, *First._fields, *ANSWER_TYPES)
    ),
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and the n passages found for it: what is known of each when the legs are joined (n, 5), of its best run
    (n, 9), and of that if it came first, but for its lead, with what it does not tell; whether it answers, and whether
    its run does. Passages of one name are one article. `segments` is how many the library has."""

    text: str
    is_answerable: bool
    segments: int
    names: tuple[str, ...]
    fusion: Floats
    features: Floats
    firsts: tuple[First, ...]
    missing: tuple[Missing, ...]
    passages: npt.NDArray[np.bool_]
    runs: npt.NDArray[np.bool_]


Judge = Callable[[str, Scored], tuple[str, bool, bool]]
"""Document id and run to the name of its passage, whether that answers, and whether the run itself does."""


def _ask(
    collection: Collection, text: str, judge: Judge, is_answerable: bool, weights: Weights, seen: int
) -> Asked:
    found = collection.find_runs(text, weights, limit=seen)
    judged = [judge(run.found.segment.document_id, run) for run, _, _ in found]
    return Asked(
        text,
        is_answerable,
        collection.facts().segments,
        tuple(name for name, _, _ in judged),
        np.array([run.passage.features for run, _, _ in found]).reshape(
            len(found), len(FusionFeatures._fields)
        ),
        np.array([run.features for run, _, _ in found]).reshape(len(found), len(Features._fields)),
        tuple(first for _, first, _ in found),
        tuple(missing for _, _, missing in found),
        np.array([passage for _, passage, _ in judged], dtype=np.bool_),
        np.array([run for _, _, run in judged], dtype=np.bool_),
    )


def ask_library(collection: Collection, questions: Sequence[Question], weights: Weights) -> list[Asked]:
    filenames = {id: collection.document(id).filename for id in collection.document_ids()}

    def asked(question: Question) -> Asked:
        def judge(document_id: str, run: Scored) -> tuple[str, bool, bool]:
            gold = [g.span for g in question.gold if g.filename == filenames[document_id]]
            passage = run.found.segment.passage_span
            name = f"{document_id} {passage.start}"
            return (
                name,
                any(holds(passage, span) for span in gold),
                any(holds(run.span, span) for span in gold),
            )

        return _ask(collection, question.question, judge, bool(question.gold), weights, _SEEN)

    return [asked(question) for question in questions]


def ask_laws(
    collection: Collection, golds: dict[str, set[str]], weights: Weights, seen: int = _SEEN_OF_LAWS
) -> list[Asked]:
    """Questions on the laws of `law_documents`; `golds` holds the keys of the articles that answer each, and `seen` is how
    many passages are seen of those found."""

    def asked(text: str, gold: set[str]) -> Asked:
        def judge(_: str, run: Scored) -> tuple[str, bool, bool]:
            name = article_key(run.found.segment.passage_text)
            return name, name in gold, name in gold

        return _ask(collection, text, judge, True, weights, seen)

    return [asked(text, gold) for text, gold in golds.items()]


def fit_fusion(asked: Sequence[Asked]) -> FusionFeatures:
    """The weights that make the passages that answer likeliest, question by question."""
    weights = _fit_lists([_List(each.fusion, each.passages, 1.0) for each in asked])
    return FusionFeatures(*(round(float(weight), 3) for weight in weights))


@dataclass(frozen=True, slots=True)
class _List:
    """What is known of n passages found for a question (n, features), which of them are right, and what it weighs."""

    features: Floats
    is_right: npt.NDArray[np.bool_]
    weight: float


def _fit_lists(lists: Sequence[_List]) -> Floats:
    """(features,): the weights for which the softmax over each list falls most on what is right in it (Cao et al.
    2007), the features scaled to one spread and the weights held down a little."""
    lists = [each for each in lists if each.is_right.any()]
    stacked = np.concatenate([each.features for each in lists])
    scale = stacked.std(axis=0) + 1e-9
    lengths = [len(each.features) for each in lists]
    starts = np.concatenate([[0], np.cumsum(lengths)])[:-1]
    scaled = stacked / scale
    weight = np.array([each.weight for each in lists]) / sum(each.weight for each in lists)
    share = np.concatenate(
        [each.is_right / each.is_right.sum() * w for each, w in zip(lists, weight, strict=True)]
    )

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = scaled @ weights
        scores -= np.repeat(np.maximum.reduceat(scores, starts), lengths)
        exponents = np.exp(scores)
        sums = np.add.reduceat(exponents, starts)
        logs = scores - np.repeat(np.log(sums), lengths)
        slope = scaled.T @ (exponents * np.repeat(weight / sums, lengths) - share)
        return float(-(share @ logs) + _RIDGE * weights @ weights), slope + 2 * _RIDGE * weights

    best: Floats = minimize(loss, np.zeros(stacked.shape[1]), jac=True, method="L-BFGS-B").x
    return best / scale


def rejoin(asked: Asked, fusion: FusionFeatures) -> Asked:
    """`asked` as if the legs had been joined with these weights."""
    scores = asked.fusion @ np.array(fusion)
    order = np.argsort(-scores, kind="stable")
    features = asked.features.copy()
    features[:, _BEHIND] = scores.max(initial=-np.inf) - scores
    return replace(
        asked,
        names=tuple(asked.names[place] for place in order),
        fusion=asked.fusion[order],
        features=features[order],
        firsts=tuple(asked.firsts[place] for place in order),
        missing=tuple(asked.missing[place] for place in order),
        passages=asked.passages[order],
        runs=asked.runs[order],
    )


def fit(seeds: Sequence[Asked], laws: Sequence[Asked]) -> Weights:
    """The fusion is fitted to the questions on the laws, the order of the runs in the passages that it puts first to
    both; what moves the first few of them `fit_again` tells, and how sure the first one is `fit_confidence`."""
    fusion = fit_fusion(laws)
    lists = [
        _List(
            _within_question(joined.features[:_CLOSE_LOOKS]), joined.runs[:_CLOSE_LOOKS], weight / len(kind)
        )
        for kind, weight in ((seeds, 1.0), (laws, _LAWS_IN_ORDER))
        for joined in (rejoin(each, fusion) for each in kind)
    ]
    features = Features(*(round(float(weight), 3) for weight in _fit_lists(lists)))
    return replace(START, fusion=fusion, features=features)


def fit_again(asked: Sequence[Asked], weights: Weights) -> Weights:
    """`weights` with what moves the best few runs, fitted to questions on small libraries."""
    lists = []
    for joined in (rejoin(each, weights.fusion) for each in asked):
        values, best = _values(joined, weights), _order(joined, weights)[:LOOKED_AT_AGAIN]
        known = [
            [values[place], joined.firsts[place].met, len(joined.missing[place].types)] for place in best
        ]
        lists.append(_List(np.array(known), joined.runs[best], 1.0))
    value, *others = _fit_lists(lists)
    return replace(weights, again=Again(*(round(float(other / value), 3) for other in others)))


def _within_question(features: Floats) -> Floats:
    """Of the passages of one question, what is nearer elsewhere says nothing that their similarity does not."""
    told = features.copy()
    told[:, _ELSEWHERE] = 0
    return told


def fold_of(question: str) -> int:
    return draw(f"fit {question}") % FOLDS


@dataclass(frozen=True, slots=True)
class FirstHit:
    """The first hit of a question by weights fitted without it, and what is known of it."""

    asked: Asked
    features: Features
    first: First
    missing: Missing
    is_right: bool

    def score(self, confidence: Confidence) -> float:
        return sigmoid(confidence.logit(self.features, self.first, self.missing, self.asked.segments))


Kinds = dict[str, list[FirstHit]]
"""First hits by what was asked of what: each kind has a weight in `_IN_SCORE`."""

SEEDS, HARDER, CROWD = "official documents", "harder questions on these", "both among laws"
REGULATIONS, LAWS = "regulations and reports", "laws"
STRANGE, OTHERS = "questions on laws asked of official documents", "questions asked of another library"
EVERYDAY = "everyday questions"
ON_SMALL = (SEEDS, HARDER, REGULATIONS)
"""The questions on small libraries."""
# Questions that were made to be hard weigh less in the score than people's own would; what is asked of a library of laws
# does as only part of what answers is known; so do questions asked of libraries that they are not on, all taken for
# unanswered.
_IN_SCORE = {
    SEEDS: 1.0,
    HARDER: 0.5,
    REGULATIONS: 0.3,
    CROWD: 0.3,
    LAWS: 0.2,
    STRANGE: 0.2,
    OTHERS: 0.4,
    EVERYDAY: 1.2,
}


def find_firsts(asked: dict[str, list[Asked]]) -> Kinds:
    """Of each question that anything was found for, by kinds."""
    firsts: Kinds = {name: [] for name in asked}
    for fold in range(FOLDS):
        weights = fit(_without(fold, asked[SEEDS]), _without(fold, asked[LAWS]))
        weights = fit_again([each for name in ON_SMALL for each in _without(fold, asked[name])], weights)
        for name, kind in asked.items():
            held_out = (each for each in kind if fold_of(each.text) == fold and each.names)
            firsts[name].extend(_first(each, weights) for each in held_out)
    return firsts


def score_firsts(firsts: Kinds) -> dict[str, list[float]]:
    """The scores of first hits by confidences fitted without them."""
    of_fold = [
        fit_confidence(
            {
                name: [first for first in kind if fold_of(first.asked.text) != fold]
                for name, kind in firsts.items()
            }
        )
        for fold in range(FOLDS)
    ]
    return {
        name: [first.score(of_fold[fold_of(first.asked.text)]) for first in kind]
        for name, kind in firsts.items()
    }


def fit_confidence(firsts: Kinds) -> Confidence:
    """The two logistic models and the direction of absence, fitted as one. Held down are the weights for small libraries,
    how far those for large ones are from them, and the direction."""
    weighed = [(hit, _IN_SCORE[name]) for name, kind in firsts.items() for hit in kind]
    weighed += [(_misread(hit), weight * _MISREAD) for hit, weight in weighed if hit.is_right]
    known = np.array([[1.0, *hit.features, *hit.first, *_untold(hit)] for hit, _ in weighed])
    segments = [hit.asked.segments for hit, _ in weighed]
    large = np.array([largeness(each) for each in segments])
    absent = np.array([absence_vector(hit.missing.words) for hit, _ in weighed])
    absent *= np.array([absence_share(each) for each in segments])[:, None]
    is_right = np.array([hit.is_right for hit, _ in weighed])
    weight = np.array([weight for _, weight in weighed])
    spread = known.std(axis=0)
    scale = np.where(spread > 0, np.maximum(spread, _LEAST_SPREAD), 1.0)
    scaled = known / scale
    parts = [len(scale), 2 * len(scale)]

    def loss(all_weights: Floats) -> tuple[float, Floats]:
        of_small, of_large, direction = np.split(all_weights, parts)
        apart = of_large - of_small
        logits = scaled @ of_small + large * (scaled @ apart) + absent @ direction
        held = np.array([0.0, *of_small[1:]])
        value = weight @ (np.logaddexp(0, logits) - is_right * logits)
        value += (held @ held + apart @ apart) / (2 * _FREEDOM) + direction @ direction / (
            2 * _FREEDOM_OF_WORDS
        )
        error = weight * (expit(logits) - is_right)
        by_size = [scaled.T @ (error * share) for share in (1 - large, large)]
        slopes = [by_size[0] + (held - apart) / _FREEDOM, by_size[1] + apart / _FREEDOM]
        return float(value), np.concatenate([*slopes, absent.T @ error + direction / _FREEDOM_OF_WORDS])

    free = [(None, None)] * absent.shape[1]
    start = np.zeros(parts[1] + absent.shape[1])
    best: Floats = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[*2 * _BOUNDS, *free]).x
    of_small, of_large, direction = np.split(best, parts)
    return Confidence(_logistic(of_small / scale), _logistic(of_large / scale), Absence(direction.round(3)))


def _misread(hit: FirstHit) -> FirstHit:
    types = read_wanted(validate_query(hit.asked.text)).types
    return replace(hit, features=hit.features._replace(lacks=1.0), missing=hit.missing._replace(types=types))


def _untold(hit: FirstHit) -> list[float]:
    return [float(name in hit.missing.types) for name in ANSWER_TYPES]


def _logistic(weights: Floats) -> Logistic:
    rest = iter([round(float(weight), 3) for weight in weights])
    return Logistic(
        next(rest),
        Features(*islice(rest, len(Features._fields))),
        First(*islice(rest, len(First._fields))),
        dict(zip(ANSWER_TYPES, rest, strict=True)),
    )


def rank_names(asked: Asked, weights: Weights) -> list[str]:
    """The names of the passages as a search ranks them, each once; it was asked with `weights`."""
    order = [*(place for place, _ in _looked(asked, weights)), *range(_CLOSE_LOOKS, len(asked.names))]
    return list(dict.fromkeys(asked.names[place] for place in order))


def _without(fold: int, kind: Sequence[Asked]) -> list[Asked]:
    return [each for each in kind if fold_of(each.text) != fold]


def _order(joined: Asked, weights: Weights) -> list[int]:
    """The passages that are looked at closely, best first."""
    order: list[int] = np.argsort(-_values(joined, weights), kind="stable").tolist()
    return order


def _values(joined: Asked, weights: Weights) -> Floats:
    values: Floats = joined.features[:_CLOSE_LOOKS] @ np.array(weights.features)
    return values


def _looked(joined: Asked, weights: Weights) -> list[tuple[int, float]]:
    """The passages that are looked at closely, best first when the first few were looked at again, and their values."""
    order, values = _order(joined, weights), _values(joined, weights)
    looks = [(joined.firsts[place], joined.missing[place]) for place in order[:LOOKED_AT_AGAIN]]
    looked = look_again(values[order].tolist(), looks, weights, joined.segments)
    return [(order[place], value) for place, value in looked]


def _first(asked: Asked, weights: Weights) -> FirstHit:
    joined = rejoin(asked, weights.fusion)
    looked = _looked(joined, weights)
    best = looked[0][0]
    first = joined.firsts[best]._replace(lead=lead([value for _, value in looked]))
    return FirstHit(
        asked,
        Features(*joined.features[best].tolist()),
        first,
        joined.missing[best],
        bool(joined.runs[best]),
    )
