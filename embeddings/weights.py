"""The learnt models of the ranking: linear ones for the order, logistic ones for how sure the first hit is."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import mul
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from embeddings.embedder import load_builtin
from embeddings.fusion import FusionFeatures

_FILE = Path(__file__).parent / "models" / "ranking.json"
# How many segments the libraries have that scores were fitted to; the logarithm of how much larger one is.
_SMALL_LIBRARY, _LARGE_LIBRARY = 180, 128_678
_GROWTH = math.log(_LARGE_LIBRARY / _SMALL_LIBRARY)


class Features(NamedTuple):
    """What is known of one run of sentences and the query, most of it about 0..1.

    `lexical` is BM25 over the most it could be; `coverage` the share of the query that the passage and its
    headings cover, `evidence` how much that is; `similarity` the cosine above what unrelated texts have,
    `elsewhere` by how much a subject of texts at large is nearer to the query;
    `missing_numbers` the share of the query's numbers and Latin words that are nowhere around; `lacks` says that an
    amount or a date is asked for and none is there; `topic` is the share of the query that the lead-in of the segment
    covers; `behind` how far the passage was behind the best one when the legs were joined.
    """

    lexical: float
    coverage: float
    evidence: float
    similarity: float
    elsewhere: float
    missing_numbers: float
    lacks: float
    topic: float
    behind: float


class First(NamedTuple):
    """What is known only of the run that was put first.

    `lead` is the logarithm of its share of the softmax; `met` the share of the query's words that it says in these words
    or in others like them (`Space.met`); `asked` says that what the query ends with stands in it; `other_year` that a
    year is asked for that stands nowhere around it, `other_region` that regions are that those of its document have
    nothing to do with.
    """

    lead: float
    met: float
    asked: float
    other_year: float
    other_region: float


class Missing(NamedTuple):
    """What a run does not tell: the `words` of the query that stand nowhere around it, and the `types` of answer that are
    wanted and that it has none of."""

    words: Sequence[str]
    types: Sequence[str]


class Again(NamedTuple):
    """How far the best few runs are moved in their order by what else is known of each as if it came first: by the share
    of the words that it says, and by how many types of answer it misses."""

    met: float
    untold: float

    def move(self, first: First, missing: Missing, segments: int) -> float:
        """In a large library, where what answers is oftener in other words, none is moved."""
        return (1 - largeness(segments)) * (self.met * first.met + self.untold * len(missing.types))


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic model of whether the run that was put first answers. `types` has a weight for each type of answer."""

    bias: float
    features: Features
    first: First
    types: Mapping[str, float]

    def logit(self, features: Features, first: First, types: Sequence[str]) -> float:
        known = map(mul, (*self.features, *self.first), (*features, *first))
        return self.bias + math.fsum(known) + math.fsum(self.types[name] for name in types)


@dataclass(frozen=True, slots=True)
class Absence:
    """What it says that words of the query stand nowhere around a hit: of some words much, as of what things are, of
    others little, as of how one speaks of them. `direction` (dim,) is in the space of `absence_vector`."""

    direction: npt.NDArray[np.float64]

    def logit(self, words: Sequence[str]) -> float:
        return float(absence_vector(words) @ self.direction)


def absence_vector(words: Sequence[str]) -> npt.NDArray[np.float64]:
    """(dim,): where `words` of the built-in model point together, and the more of them, the farther, but by the square
    root only: who says much that is nowhere around mostly says one thing in many words."""
    together: npt.NDArray[np.float64] = load_builtin().directions_of(words).sum(axis=0, dtype=np.float64)
    return together / math.sqrt(max(1, len(words)))


@dataclass(frozen=True, slots=True)
class Confidence:
    """The model for a small library and that for a large one, where what fits as well is less likely the right one;
    those between are as far between as the logarithm of their size."""

    small: Logistic
    large: Logistic
    absence: Absence

    def logit(self, features: Features, first: First, missing: Missing, segments: int) -> float:
        share = largeness(segments)
        of_small, of_large = (
            model.logit(features, first, missing.types) for model in (self.small, self.large)
        )
        said = (1 - share) * of_small + share * of_large
        return said + absence_share(segments) * self.absence.logit(missing.words)

    def of_types(self, types: Iterable[str], segments: int) -> float:
        """What it adds to `logit` that a run misses `types`."""
        share = largeness(segments)
        return math.fsum(
            (1 - share) * self.small.types[name] + share * self.large.types[name] for name in types
        )


def largeness(segments: int) -> float:
    """0 for a library as small as the one that scores were fitted to or smaller, to 1 for one as large."""
    return min(1.0, math.log(max(segments, _SMALL_LIBRARY) / _SMALL_LIBRARY) / _GROWTH)


def absence_share(segments: int) -> float:
    """How much of what is absent counts: in a large library half of it, where what answers is oftener in other words."""
    return 1 - largeness(segments) / 2


@dataclass(frozen=True, slots=True)
class Weights:
    """The linear models over `FusionFeatures` and `Features`, what moves the best few runs, how sure the first hit is, and
    the score under which it is no answer."""

    fusion: FusionFeatures
    features: Features
    again: Again
    confidence: Confidence
    threshold: float


def sigmoid(logit: float) -> float:
    return (1 + math.tanh(logit / 2)) / 2


@cache
def load_weights() -> Weights:
    """The weights that scripts/fit_ranking.py wrote."""
    record = json.loads(_FILE.read_text(encoding="utf-8"))
    small, large = (
        Logistic(each["bias"], Features(**each["features"]), First(**each["first"]), each["types"])
        for each in (record["confidence"][size] for size in ("small", "large"))
    )
    return Weights(
        FusionFeatures(**record["fusion"]),
        Features(**record["features"]),
        Again(**record["again"]),
        Confidence(small, large, Absence(np.array(record["confidence"]["absence"]))),
        record["threshold"],
    )
