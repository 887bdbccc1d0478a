"""Train the built-in embedding model: `python scripts/train_model.py DATA_DIR`.

One command, one seed, no torch. DATA_DIR holds `laws.jsonl.xz`, `reports.jsonl.xz` and `stard_train.jsonl`. A table
of token vectors learns from the texts, is then taught the questions of people, and becomes a sentence-transformers
folder. `--work DIR` keeps the table and its folder as they were before it was taught, for scripts/evaluate.py and
scripts/fit_ranking.py.
"""

import argparse
import logging
import time
from pathlib import Path

import numpy as np

from embeddings.synonyms import load_synonyms
from training.card import Facts, write_card
from training.export import write_model
from training.recipe import (
    DIMENSIONS,
    LESSONS,
    STEPS,
    Ground,
    Texts,
    find_subjects,
    finish,
    learn_untaught,
    prepare,
    read_texts,
    sanity_cosines,
    teach,
)
from training.tokens import Floats

_OUTPUT = Path(__file__).parent.parent / "embeddings" / "models" / "builtin"


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    arguments = _parse_arguments()
    started = time.monotonic()
    texts = read_texts(arguments.data_dir)
    ground = prepare(texts)
    untaught = learn_untaught(ground, steps=arguments.steps)
    if arguments.work:
        arguments.work.mkdir(parents=True, exist_ok=True)
        np.save(arguments.work / "untaught.npy", untaught)
        _write(arguments.work / "untaught", ground, finish(ground, untaught), "")
    vectors = finish(ground, teach(ground, untaught, texts.questions, steps=arguments.lessons))
    facts = _facts(texts, ground, vectors, minutes=(time.monotonic() - started) / 60)
    _write(arguments.output, ground, vectors, write_card(facts))


def _write(output: Path, ground: Ground, vectors: Floats, card: str) -> None:
    subjects = find_subjects(ground.passages, ground.tokenizer, vectors)
    write_model(output, ground.tokenizer, vectors, card, subjects)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--output", type=Path, default=_OUTPUT)
    parser.add_argument("--work", type=Path, help="where the table is kept as it was before it was taught")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--lessons", type=int, default=LESSONS, help="steps with questions")
    return parser.parse_args()


def _facts(texts: Texts, ground: Ground, vectors: Floats, *, minutes: float) -> Facts:
    return Facts(
        laws=len({passage.work for passage in texts.laws}),
        articles=len(texts.laws),
        report_paragraphs=len(texts.reports),
        questions=len(texts.questions),
        vocabulary=len(vectors),
        synonyms=len(load_synonyms().others),
        dimensions=DIMENSIONS,
        minutes=minutes,
        cosines=sanity_cosines(ground.tokenizer, vectors),
    )


if __name__ == "__main__":
    main()
