"""Fit the fusion of the legs, and the weights of the ranking, to labelled questions.

    python scripts/fit_ranking.py seeds/questions.jsonl seeds/*.txt --data DATA_DIR --work WORK_DIR

The fusion is fitted to the questions of laypeople in DATA_DIR, on the national laws, asked with the model that
`train_model.py --work WORK_DIR` left as it was before it was taught any of them: a user's documents are never known
to the model either. The order and the choice of the quote are fitted to these and to the questions of the split “tune” on
the documents (`wenyuan eval` measures on the others). The score is fitted to both kinds, to the latter asked of a library
of laws that has the documents too, so that it means the same in a large library, and to the former asked of half of
the laws and of the documents, which do not answer them.
Prints what cross-validation by question gives, and writes embeddings/models/ranking.json and, beside the model's
card, the reliability diagram.
"""

import argparse
import itertools
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from embeddings import Question, load_embedder, load_questions, open_collection, read
from embeddings.ranking import Weights
from training.asking_laws import law_collection, law_golds
from training.fitting import (
    CROWD,
    HALF,
    LAWS,
    SEEDS,
    START,
    STRANGE,
    Asked,
    First,
    ask_laws,
    ask_seeds,
    find_firsts,
    fit,
    fit_confidence,
    score_firsts,
)
from training.measures import draw
from training.reliability import draw_reliability

_MODELS = Path(__file__).parent.parent / "embeddings" / "models"
_ROUNDS = 2
_BINS = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.01)
# What is right less than one time in 20 is no answer.
_THRESHOLD = 0.05


def main() -> None:
    arguments = _parse_arguments()
    questions = [question for question in load_questions(arguments.questions) if question.split == "tune"]
    weights = START
    documents = [read(path.read_bytes(), filename=path.name) for path in arguments.documents]
    with tempfile.TemporaryDirectory() as folder:
        seeds = open_collection(Path(folder) / "seeds", "seeds", load_embedder())
        seeds.add(documents)
        library = law_collection(
            Path(folder) / "laws", arguments.data, load_embedder(str(arguments.work / "untaught"))
        )
        golds = law_golds(arguments.data)
        for _ in range(_ROUNDS):
            of_seeds, of_laws = ask_seeds(seeds, questions, weights), ask_laws(library, golds, weights)
            weights = fit(of_seeds, of_laws)
        library.add(documents)
        asked = {
            SEEDS: of_seeds,
            # What the seeds do not answer, a law may.
            CROWD: ask_seeds(library, [question for question in questions if question.gold], weights),
            LAWS: of_laws,
            STRANGE: ask_seeds(seeds, [Question(text, (), "", "") for text in golds], weights),
        }
        library.remove([id for id in library.document_ids() if draw(id) % 2])
        asked[HALF] = ask_laws(library, golds, weights)
        seeds.close()
        library.close()
    firsts = find_firsts(asked)
    scores = score_firsts(firsts)
    for name, kind in asked.items():
        print(f"\n{name}")
        print_figures(kind, firsts[name], scores[name])
    draw_reliability(
        _MODELS / "builtin" / "reliability.png",
        *((name, scores[name], [first.is_right for first in kind]) for name, kind in firsts.items()),
    )
    _write(replace(weights, confidence=fit_confidence(firsts), threshold=_THRESHOLD))


def print_figures(asked: Sequence[Asked], firsts: Sequence[First], scores: Sequence[float]) -> None:
    """What the cross-validated first hits are worth, and how far their scores are probabilities."""
    answerable = sum(each.is_answerable for each in asked)
    print(f"first hit right: {sum(first.is_right for first in firsts)} of {answerable} answerable questions")
    kept = [
        first.asked.is_answerable for first, score in zip(firsts, scores, strict=True) if score >= _THRESHOLD
    ]
    unanswerable = len(asked) - answerable
    print(
        f"threshold {_THRESHOLD}: {unanswerable - kept.count(False)} of {unanswerable} unanswerable questions"
        f" refused, {answerable - kept.count(True)} of {answerable} answerable ones lost"
    )
    for low, high in itertools.pairwise(_BINS):
        held = [first.is_right for first, score in zip(firsts, scores, strict=True) if low <= score < high]
        print(f"score {low:.2f}-{high:.2f}: {len(held):4d} first hits, {np.mean(held or [0]):.2f} right")


def _write(weights: Weights) -> None:
    record = {
        "fusion": weights.fusion._asdict(),
        "features": weights.features._asdict(),
        "confidence": {
            size: {"bias": model.bias, "features": model.features._asdict(), "lead": model.lead}
            for size, model in (("small", weights.confidence.small), ("large", weights.confidence.large))
        },
        "threshold": weights.threshold,
    }
    text = json.dumps(record, indent=2) + "\n"
    (_MODELS / "ranking.json").write_text(text, encoding="utf-8")
    print(text)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("questions", type=Path)
    parser.add_argument("documents", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, required=True, metavar="DATA_DIR")
    parser.add_argument("--work", type=Path, required=True, metavar="WORK_DIR")
    return parser.parse_args()


if __name__ == "__main__":
    main()
