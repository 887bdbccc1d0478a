"""Fit the fusion of the legs, and the weights of the ranking, to labelled questions.

    python scripts/fit_ranking.py --data DATA_DIR --work WORK_DIR

The fusion is fitted to the questions of laypeople in DATA_DIR, on the national laws, asked with the model that
`train_model.py --work WORK_DIR` left as it was before it was taught any of them: a user's documents are never known
to the model either. The order and the choice of the quote are fitted to these and to seeds/questions.jsonl, what moves
the first few hits to the questions on small libraries (seeds/, training/libraries). The score is fitted to all of them,
most of which nothing answers; to those on the seeds asked of a library of laws that has the seeds too, so that it means
the same in a large library; and to questions asked of libraries that do not answer them: those of laypeople of the
seeds, those on one library of another, and everyday ones (seeds/everyday.jsonl) of the small ones.
Prints what cross-validation by question gives, and writes embeddings/models/ranking.json and, beside the model's
card, the reliability diagram.
"""

import argparse
import itertools
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from embeddings import Collection, Question, load_embedder, open_collection
from embeddings.weights import Weights
from training.asking_laws import law_collection, law_golds
from training.fitting import (
    CROWD,
    EVERYDAY,
    HARDER,
    LAWS,
    ON_SMALL,
    OTHERS,
    REGULATIONS,
    SEEDS,
    START,
    STRANGE,
    Asked,
    FirstHit,
    Kinds,
    ask_laws,
    ask_library,
    find_firsts,
    fit,
    fit_again,
    fit_confidence,
    score_firsts,
)
from training.reliability import draw_reliability
from training.tuning import Library, read_libraries, read_seeds

_MODELS = Path(__file__).parent.parent / "embeddings" / "models"
_ROUNDS = 2
_BINS = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.01)
# By the names of their files, libraries so far apart have hardly anything in common.
_APART = 13
# Of the right first hits in small libraries so many are refused.
_REFUSED = 0.02


def main() -> None:
    arguments = _parse_arguments()
    weights, golds = START, law_golds(arguments.data)
    seeds, harder = read_seeds("questions.jsonl"), read_seeds("tuning.jsonl")
    everyday = read_seeds("everyday.jsonl").questions
    libraries = read_libraries(arguments.data, "tune")
    with tempfile.TemporaryDirectory() as folder:
        of_seeds = _collect(Path(folder) / "seeds", seeds)
        of_libraries = [_collect(Path(folder) / name, library) for name, library in libraries.items()]
        laws = law_collection(
            Path(folder) / "laws", arguments.data, load_embedder(str(arguments.work / "untaught"))
        )
        for _ in range(_ROUNDS):
            asked = {
                SEEDS: ask_library(of_seeds, seeds.questions, weights),
                LAWS: ask_laws(laws, golds, weights),
            }
            weights = fit(asked[SEEDS], asked[LAWS])
        asked[HARDER] = ask_library(of_seeds, harder.questions, weights)
        asked[REGULATIONS] = [
            each
            for collection, library in zip(of_libraries, libraries.values(), strict=True)
            for each in ask_library(collection, library.questions, weights)
        ]
        asked[OTHERS] = [
            each
            for collection, library in zip(of_libraries, _moved(list(libraries.values())), strict=True)
            for each in ask_library(collection, [replace(q, gold=()) for q in library.questions], weights)
        ]
        asked[STRANGE] = ask_library(of_seeds, [Question(text, (), "", "") for text in golds], weights)
        asked[EVERYDAY] = [
            *ask_library(of_seeds, everyday, weights),
            *(
                each
                for place, collection in enumerate(of_libraries)
                for each in ask_library(collection, everyday[place :: len(of_libraries)], weights)
            ),
        ]
        laws.add(seeds.documents)
        # What the seeds do not answer, a law may.
        answered = [question for question in (*seeds.questions, *harder.questions) if question.gold]
        asked[CROWD] = ask_library(laws, answered, weights)
        for collection in (of_seeds, *of_libraries, laws):
            collection.close()
    firsts = find_firsts(asked)
    scores = score_firsts(firsts)
    threshold = round(float(np.quantile(_of_right(firsts, scores, ON_SMALL), _REFUSED)), 3)
    for name, kind in asked.items():
        print(f"\n{name}")
        _print_figures(kind, firsts[name], scores[name], threshold)
    draw_reliability(
        _MODELS / "builtin" / "reliability.png",
        *((name, scores[name], [hit.is_right for hit in kind]) for name, kind in firsts.items()),
    )
    weights = fit_again([each for name in ON_SMALL for each in asked[name]], weights)
    _write(replace(weights, confidence=fit_confidence(firsts), threshold=threshold))


def _moved(libraries: Sequence[Library]) -> list[Library]:
    """In another order: where each stood there is one on other matters."""
    return [*libraries[_APART:], *libraries[:_APART]]


def _collect(folder: Path, library: Library) -> Collection:
    collection = open_collection(folder, "library", load_embedder())
    collection.add(library.documents)
    return collection


def _of_right(firsts: Kinds, scores: Mapping[str, Sequence[float]], names: Sequence[str]) -> list[float]:
    """The scores of the right first hits of the kinds `names`."""
    return [
        score for name in names for hit, score in zip(firsts[name], scores[name], strict=True) if hit.is_right
    ]


def _print_figures(
    asked: Sequence[Asked], firsts: Sequence[FirstHit], scores: Sequence[float], threshold: float
) -> None:
    """What the cross-validated first hits are worth, and how far their scores are probabilities."""
    answerable = sum(each.is_answerable for each in asked)
    unanswerable = len(asked) - answerable
    right = sum(hit.is_right for hit in firsts)
    print(f"first hit right: {right} of {answerable} answerable questions")
    kept = [hit for hit, score in zip(firsts, scores, strict=True) if score >= threshold]
    answered = sum(hit.asked.is_answerable for hit in kept)
    print(
        f"threshold {threshold}: {unanswerable - (len(kept) - answered)} of {unanswerable} unanswerable questions"
        f" refused, {answerable - answered} of {answerable} answerable ones lost, {right - sum(hit.is_right for hit in kept)} of"
        " them with a right first hit"
    )
    for low, high in itertools.pairwise(_BINS):
        held = [hit.is_right for hit, score in zip(firsts, scores, strict=True) if low <= score < high]
        print(f"score {low:.2f}-{high:.2f}: {len(held):4d} first hits, {np.mean(held or [0]):.2f} right")


def _write(weights: Weights) -> None:
    record = {
        "fusion": weights.fusion._asdict(),
        "features": weights.features._asdict(),
        "again": weights.again._asdict(),
        "confidence": {
            size: {
                "bias": model.bias,
                "features": model.features._asdict(),
                "first": model.first._asdict(),
                "types": model.types,
            }
            for size, model in (("small", weights.confidence.small), ("large", weights.confidence.large))
        }
        | {"absence": weights.confidence.absence.direction.tolist()},
        "threshold": weights.threshold,
    }
    (_MODELS / "ranking.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DATA_DIR")
    parser.add_argument("--work", type=Path, required=True, metavar="WORK_DIR")
    return parser.parse_args()


if __name__ == "__main__":
    main()
