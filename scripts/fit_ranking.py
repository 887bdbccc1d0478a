"""Fit the weights of the ranking, and the answer threshold, to labelled questions.

    python scripts/fit_ranking.py seeds/questions.jsonl seeds/*.txt

Only questions of the split “tune” are used; `wenyuan eval` measures on the others. Prints what cross-validation
by question gives, and writes embeddings/models/ranking.json.
"""

import argparse
import itertools
import json
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from embeddings import Collection, Question, load_embedder, load_questions, open_collection, read
from embeddings.evaluation import holds
from embeddings.ranking import Features, Weights, sigmoid

_OUTPUT = Path(__file__).parent.parent / "embeddings" / "models" / "ranking.json"
_START = Weights(-5.0, Features(7.0, 3.0, 1.0, 4.0, -2.0, -1.0, -1.5, 1.0), 0.0)
_ROUNDS = 3
_FOLDS = 10
_BINS = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.01)
# The threshold may cost this share of the answerable questions whose first hit is right.
_MAX_LOST = 0.01

Rows = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.int64]]
"""Features (n, 8), whether the run answers (n,), and the question's number (n,)."""


def collect(collection: Collection, questions: list[Question], weights: Weights) -> Rows:
    features, labels, groups = [], [], []
    for number, question in enumerate(questions):
        for document_id, run in collection.find_runs(question.question, weights):
            filename = collection.document(document_id).filename
            features.append(run.features)
            labels.append(any(g.filename == filename and holds(run.span, g.span) for g in question.gold))
            groups.append(number)
    return np.array(features), np.array(labels), np.array(groups)


def fit(features: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_]) -> Weights:
    model = LogisticRegression(C=3.0, max_iter=1000).fit(features, labels)
    return Weights(float(model.intercept_[0]), Features(*map(float, model.coef_[0])), 0.0)


def cross_validate(rows: Rows) -> dict[int, tuple[float, bool]]:
    """For each question the logit of its first hit, by weights fitted without it, and whether it is right."""
    features, labels, groups = rows
    first: dict[int, tuple[float, bool]] = {}
    for train, test in GroupKFold(_FOLDS, shuffle=True, random_state=0).split(features, labels, groups):
        weights = fit(features[train], labels[train])
        for row in test:
            logit = weights.logit(Features(*features[row]))
            if logit > first.get(int(groups[row]), (-np.inf, False))[0]:
                first[int(groups[row])] = (logit, bool(labels[row]))
    return first


def calibrate(first: dict[int, tuple[float, bool]]) -> tuple[float, float]:
    """Slope and offset that make logits of first hits those of being right (Platt 1999)."""
    logits, labels = (
        np.array([[logit] for logit, _ in first.values()]),
        [right for _, right in first.values()],
    )
    model = LogisticRegression(C=1e6).fit(logits, labels)
    return float(model.coef_[0][0]), float(model.intercept_[0])


def rescale(weights: Weights, slope: float, offset: float, threshold: float) -> Weights:
    features = Features(*(round(slope * weight, 3) for weight in weights.features))
    return Weights(round(slope * weights.bias + offset, 3), features, round(threshold, 3))


def choose_threshold(scores_of_right: list[float]) -> float:
    return sorted(scores_of_right)[int(len(scores_of_right) * _MAX_LOST)] - 1e-3


def print_figures(scores: dict[int, tuple[float, bool]], threshold: float, questions: list[Question]) -> None:
    """What the cross-validated first hits are worth, and how far their scores are probabilities."""
    answerable = [number for number, question in enumerate(questions) if question.gold]
    unanswerable = [number for number, question in enumerate(questions) if not question.gold]
    right = [number for number in answerable if scores.get(number, (0.0, False))[1]]
    refused = [number for number in unanswerable if scores.get(number, (0.0, False))[0] < threshold]
    print(f"first quote right: {len(right)} of {len(answerable)} answerable questions")
    print(f"threshold {threshold:.3f}: {len(refused)} of {len(unanswerable)} unanswerable questions refused")
    for low, high in itertools.pairwise(_BINS):
        held = [is_right for score, is_right in scores.values() if low <= score < high]
        print(f"score {low:.2f}-{high:.2f}: {len(held):3d} first hits, {np.mean(held or [0]):.2f} right")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("questions", type=Path)
    parser.add_argument("documents", type=Path, nargs="+")
    arguments = parser.parse_args()
    questions = [question for question in load_questions(arguments.questions) if question.split == "tune"]
    with tempfile.TemporaryDirectory() as folder:
        collection = open_collection(Path(folder), "fit", load_embedder())
        collection.add([read(path.read_bytes(), filename=path.name) for path in arguments.documents])
        weights = _START
        for _ in range(_ROUNDS):
            rows = collect(collection, questions, weights)
            weights = fit(rows[0], rows[1])
        collection.close()
    first = cross_validate(rows)
    slope, offset = calibrate(first)
    scores = {number: (sigmoid(slope * logit + offset), right) for number, (logit, right) in first.items()}
    threshold = choose_threshold([score for score, right in scores.values() if right])
    print_figures(scores, threshold, questions)
    weights = rescale(weights, slope, offset, threshold)
    record = {"bias": weights.bias, "features": weights.features._asdict(), "threshold": weights.threshold}
    _OUTPUT.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
