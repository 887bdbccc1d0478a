"""Fit the fusion of the legs, and the weights of the ranking, to labelled questions.

    python scripts/fit_ranking.py seeds/questions.jsonl seeds/*.txt --data DATA_DIR --work WORK_DIR

The fusion is fitted to the questions of laypeople in DATA_DIR, on the national laws, asked with the model that
`train_model.py --work WORK_DIR` left as it was before it was taught any of them: a user's documents are never known
to the model either. The choice of the quote and the score are fitted to the questions of the split
“tune” on the documents; `wenyuan eval` measures on the others.
Prints what cross-validation by question gives, and writes embeddings/models/ranking.json and, beside the model's
card, the reliability diagram.
"""

import argparse
import itertools
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from embeddings import load_embedder, load_questions, open_collection, read
from embeddings.ranking import Weights, sigmoid
from training.asking_laws import law_collection, law_golds
from training.fitting import (
    START,
    First,
    ask_laws,
    ask_seeds,
    calibrate,
    cross_validate,
    fit,
    fit_fusion,
    rescale,
)
from training.reliability import draw_reliability

_MODELS = Path(__file__).parent.parent / "embeddings" / "models"
_ROUNDS = 2
_BINS = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.01)
# What is less likely right than this is no answer.
_THRESHOLD = 0.1


def main() -> None:
    arguments = _parse_arguments()
    questions = [question for question in load_questions(arguments.questions) if question.split == "tune"]
    weights = START
    with tempfile.TemporaryDirectory() as folder:
        seeds = open_collection(Path(folder) / "seeds", "seeds", load_embedder())
        seeds.add([read(path.read_bytes(), filename=path.name) for path in arguments.documents])
        laws = law_collection(
            Path(folder) / "laws", arguments.data, load_embedder(str(arguments.work / "untaught"))
        )
        golds = law_golds(arguments.data)
        for _ in range(_ROUNDS):
            asked = ask_seeds(seeds, questions, weights), ask_laws(laws, golds, weights)
            weights = fit(asked[0], fit_fusion(asked[1]))
        seeds.close()
        laws.close()
    firsts = cross_validate(*asked)
    slope, offset = calibrate(firsts[0])
    for name, kind in zip(("official documents", "laws"), firsts, strict=True):
        print(f"\n{name}")
        print_figures(kind, scores_of(kind, slope, offset))
    draw_reliability(
        _MODELS / "builtin" / "reliability.png",
        *(
            (name, scores_of(kind, slope, offset), [first.is_right for first in kind])
            for name, kind in zip(("official documents", "laws"), firsts, strict=True)
        ),
    )
    _write(rescale(weights, slope, offset, _THRESHOLD))


def scores_of(firsts: Sequence[First], slope: float, offset: float) -> list[float]:
    return [sigmoid(slope * first.logit + offset) if np.isfinite(first.logit) else 0.0 for first in firsts]


def print_figures(firsts: Sequence[First], scores: Sequence[float]) -> None:
    """What the cross-validated first hits are worth, and how far their scores are probabilities."""
    answerable = [first for first in firsts if first.asked.is_answerable]
    print(
        f"first hit right: {sum(first.is_right for first in answerable)} of {len(answerable)} answerable questions"
    )
    refused = [
        score < _THRESHOLD
        for first, score in zip(firsts, scores, strict=True)
        if not first.asked.is_answerable
    ]
    lost = [
        score < _THRESHOLD for first, score in zip(firsts, scores, strict=True) if first.asked.is_answerable
    ]
    print(
        f"threshold {_THRESHOLD}: {sum(refused)} of {len(refused)} unanswerable questions refused,"
        f" {sum(lost)} of {len(lost)} answerable ones lost"
    )
    for low, high in itertools.pairwise(_BINS):
        held = [first.is_right for first, score in zip(firsts, scores, strict=True) if low <= score < high]
        print(f"score {low:.2f}-{high:.2f}: {len(held):4d} first hits, {np.mean(held or [0]):.2f} right")


def _write(weights: Weights) -> None:
    record = {
        "fusion": weights.fusion._asdict(),
        "bias": weights.bias,
        "features": weights.features._asdict(),
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
