"""How well questions are answered, and refused, in small libraries that nothing was fitted to.

    python scripts/eval_libraries.py DATA [--split tune]

Asks the questions of the split “measure”, or of “tune”, to which the ranking is fitted, of training/libraries of the
regulations and reports that they are on, which DATA holds (laws.jsonl.xz, reports.jsonl.xz), and the everyday ones of
seeds/everyday.jsonl. The figures are those of `wenyuan eval`, both legs, and how often an answer made of quotes begins
with a right one.
"""

import argparse
import tempfile
from contextlib import closing
from pathlib import Path

from api.answering import answer_with_quotes
from embeddings import Collection, Question, load_embedder, load_questions, open_collection
from embeddings.evaluation import evaluate, holds
from training.tuning import read_libraries

_EVERYDAY = Path(__file__).parent.parent / "seeds" / "everyday.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", choices=("measure", "tune"), default="measure")
    given = parser.parse_args()
    everyday = [question for question in load_questions(_EVERYDAY) if question.split == "measure"]
    for name, library in read_libraries(given.data, given.split).items():
        with (
            tempfile.TemporaryDirectory() as folder,
            closing(open_collection(Path(folder), "default", load_embedder())) as collection,
        ):
            collection.add(library.documents)
            report = evaluate(collection, library.questions)
            refused = 1 - evaluate(collection, everyday).false_answers
            begins = [_begins_right(question, collection) for question in library.questions if question.gold]
            told = [
                question for question in library.questions if question.gold and _is_told(question, collection)
            ]
            told_right = evaluate(collection, told).quote.hit_at_1 if told else 0.0
        print(f"{name}: {report.answerable} questions that are answered, {report.unanswerable} that are not")
        print(f"  quote hit@1 {report.quote.hit_at_1:.3f}, hit@3 {report.quote.hit_at_3:.3f}")
        print(f"  answers of quotes that begin with a right one {sum(begins) / len(begins):.3f}")
        if told:
            print(
                f"  {len(told)} get a penalty and what it is for from two provisions, {told_right:.3f} right first"
            )
        print(f"  answerable lost {report.lost:.3f}, unanswerable refused {1 - report.false_answers:.3f}")
        print(f"  everyday questions refused {refused:.3f} of {len(everyday)}")
        by_loss = (f"{each.refused:.3f} at {each.lost:.0%}" for each in report.refusals)
        print("  refused by thresholds that lose so many:", ", ".join(by_loss))
        print("  right by kind:", ", ".join(f"{each.kind} {each.right:.3f}" for each in report.kinds))


def _is_told(question: Question, collection: Collection) -> bool:
    return any(hit.why.is_consequence for hit in collection.search(question.question, top_k=1))


def _begins_right(question: Question, collection: Collection) -> bool:
    answer = answer_with_quotes(question.question, collection.search(question.question), collection)
    return any(
        hit.source.filename == gold.filename and holds(hit.quote_span, gold.span)
        for hit in answer.cited[:1]
        for gold in question.gold
    )


if __name__ == "__main__":
    main()
