"""Labelled questions asked of a collection, and the weights of the ranking fitted to what was found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from embeddings import Collection, Question
from embeddings.evaluation import holds
from embeddings.fusion import FusionFeatures
from embeddings.ranking import FAR_BEHIND, Features, Scored, Weights, sigmoid
from training.corpus import article_key
from training.measures import draw

FOLDS = 5
START = Weights(
    FusionFeatures(1.0, 0.0, 3.0, 2.0, 2.0, 0.0, 0.0),
    -5.0,
    Features(7.0, 3.0, 1.0, 4.0, -2.0, -1.0, -1.5, 1.0, 0.0, 0.0),
    0.0,
)
# A question on the laws weighs so much: there are many, and only part of the articles that answer are known.
_LAW_WEIGHT = 0.05
_SEEN = 100
_BEHIND = Features._fields.index("behind")
_CLOSE_LOOKS = 12
_RIDGE = 1e-3

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and the n passages found for it: what is known of each when the legs are joined (n, 7) and of its
    best run (n, 10), whether it answers, and whether its run does. Passages of one name are one article."""

    text: str
    is_answerable: bool
    names: tuple[str, ...]
    fusion: Floats
    features: Floats
    passages: npt.NDArray[np.bool_]
    runs: npt.NDArray[np.bool_]


Judge = Callable[[str, Scored], tuple[str, bool, bool]]
"""Document id and run to the name of its passage, whether that answers, and whether the run itself does."""


def _ask(collection: Collection, text: str, judge: Judge, is_answerable: bool, weights: Weights) -> Asked:
    found = collection.find_runs(text, weights, limit=_SEEN)
    judged = [judge(document_id, run) for document_id, run in found]
    return Asked(
        text,
        is_answerable,
        tuple(name for name, _, _ in judged),
        np.array([run.fusion for _, run in found]).reshape(len(found), len(FusionFeatures._fields)),
        np.array([run.features for _, run in found]).reshape(len(found), len(Features._fields)),
        np.array([passage for _, passage, _ in judged], dtype=np.bool_),
        np.array([run for _, _, run in judged], dtype=np.bool_),
    )


def ask_seeds(collection: Collection, questions: Sequence[Question], weights: Weights) -> list[Asked]:
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

        return _ask(collection, question.question, judge, bool(question.gold), weights)

    return [asked(question) for question in questions]


def ask_laws(collection: Collection, golds: dict[str, set[str]], weights: Weights) -> list[Asked]:
    """Questions on the laws of `law_documents`; `golds` holds the keys of the articles that answer each."""

    def asked(text: str, gold: set[str]) -> Asked:
        def judge(_: str, run: Scored) -> tuple[str, bool, bool]:
            name = article_key(run.found.segment.passage_text)
            return name, name in gold, name in gold

        return _ask(collection, text, judge, True, weights)

    return [asked(text, gold) for text, gold in golds.items()]


def fit_fusion(asked: Sequence[Asked]) -> FusionFeatures:
    """The weights that make the passages that answer likeliest, question by question."""
    lists = [each for each in asked if each.passages.any()]
    stacked = np.concatenate([each.fusion for each in lists])
    scale = stacked.std(axis=0) + 1e-9
    starts = np.concatenate([[0], np.cumsum([len(each.fusion) for each in lists])])[:-1]
    lengths = [len(each.fusion) for each in lists]
    scaled = stacked / scale
    share = np.concatenate([each.passages / each.passages.sum() for each in lists])

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = scaled @ weights
        scores -= np.repeat(np.maximum.reduceat(scores, starts), lengths)
        exponents = np.exp(scores)
        sums = np.add.reduceat(exponents, starts)
        logs = scores - np.repeat(np.log(sums), lengths)
        slope = scaled.T @ (exponents / np.repeat(sums, lengths) - share) / len(lists)
        return float(-(share @ logs) / len(lists) + _RIDGE * weights @ weights), slope + 2 * _RIDGE * weights

    best = minimize(loss, np.zeros(stacked.shape[1]), jac=True, method="L-BFGS-B").x
    return FusionFeatures(*(round(float(weight), 3) for weight in best / scale))


def rejoin(asked: Asked, fusion: FusionFeatures) -> Asked:
    """`asked` as if the legs had been joined with these weights."""
    scores = asked.fusion @ np.array(fusion)
    order = np.argsort(-scores, kind="stable")
    features = asked.features.copy()
    behind = scores.max(initial=-np.inf) - scores
    features[:, _BEHIND] = np.minimum(1.0, behind / FAR_BEHIND)
    return replace(
        asked,
        names=tuple(asked.names[place] for place in order),
        fusion=asked.fusion[order],
        features=features[order],
        passages=asked.passages[order],
        runs=asked.runs[order],
    )


def fit(asked: Sequence[Asked], fusion: FusionFeatures) -> Weights:
    """The logistic model over the runs of the passages that `fusion` puts first. The size of the library is the
    same for all of them: `calibrate` weighs it."""
    joined = [rejoin(each, fusion) for each in asked]
    features = np.concatenate([each.features[:_CLOSE_LOOKS] for each in joined])
    labels = np.concatenate([each.runs[:_CLOSE_LOOKS] for each in joined])
    model = LogisticRegression(C=3.0, max_iter=3000).fit(features[:, :-1], labels)
    return Weights(fusion, float(model.intercept_[0]), Features(*map(float, model.coef_[0]), 0.0), 0.0)


def fold_of(question: str) -> int:
    return draw(f"fit {question}") % FOLDS


@dataclass(frozen=True, slots=True)
class First:
    """The first hit of a question by weights fitted without it."""

    asked: Asked
    logit: float
    library: float
    is_right: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """What makes logits those of being right."""

    slope: float
    library: float
    offset: float

    def score(self, first: First) -> float:
        if not np.isfinite(first.logit):
            return 0.0
        return sigmoid(self.slope * first.logit + self.library * first.library + self.offset)

    def apply(self, weights: Weights, threshold: float) -> Weights:
        scaled = Features(*(self.slope * weight for weight in weights.features))._replace(
            library=self.library
        )
        bias = round(self.slope * weights.bias + self.offset, 3)
        return Weights(weights.fusion, bias, Features(*(round(weight, 3) for weight in scaled)), threshold)


def cross_validate(seeds: Sequence[Asked], laws: Sequence[Asked]) -> tuple[list[First], list[First]]:
    firsts: tuple[list[First], list[First]] = ([], [])
    for fold in range(FOLDS):
        weights = fit(
            [each for each in seeds if fold_of(each.text) != fold],
            fit_fusion([each for each in laws if fold_of(each.text) != fold]),
        )
        for kind, into in zip((seeds, laws), firsts, strict=True):
            into.extend(_first(each, weights) for each in kind if fold_of(each.text) == fold)
    return firsts


def rank_names(asked: Asked, weights: Weights) -> list[str]:
    """The names of the passages as `search` would rank them, each once."""
    joined = rejoin(asked, weights.fusion)
    logits = joined.features @ np.array(weights.features)
    return list(dict.fromkeys(joined.names[place] for place in np.argsort(-logits, kind="stable")))


def _first(asked: Asked, weights: Weights) -> First:
    joined = rejoin(asked, weights.fusion)
    logits = joined.features[:_CLOSE_LOOKS] @ np.array(weights.features) + weights.bias
    if not len(logits):
        return First(asked, -np.inf, 0.0, False)
    best = int(logits.argmax())
    return First(asked, float(logits[best]), float(joined.features[best, -1]), bool(joined.runs[best]))


def calibrate(seeds: Sequence[First], laws: Sequence[First]) -> Calibration:
    """Fitted to first hits of both kinds (Platt 1999, with the size of the library beside the logit): in a large
    library a passage as good as the best of a small one is less likely the right one."""
    found = [
        (first, weight)
        for kind, weight in ((seeds, 1.0), (laws, _LAW_WEIGHT))
        for first in kind
        if np.isfinite(first.logit)
    ]
    model = LogisticRegression(C=1e6, max_iter=3000).fit(
        np.array([[first.logit, first.library] for first, _ in found]),
        [first.is_right for first, _ in found],
        sample_weight=[weight for _, weight in found],
    )
    return Calibration(*map(float, model.coef_[0]), float(model.intercept_[0]))
