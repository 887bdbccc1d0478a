"""Count in how many segments of real texts, and in how many questions of laypeople, each lexical term stands.

    python scripts/count_terms.py DATA_DIR

Writes embeddings/models/terms.npz: how common terms are in general, for collections too small to tell. Terms are kept
as the first 32 bits of a hash, sorted, with their weight.
"""

import argparse
import json
import lzma
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from embeddings import InvalidInput, read
from embeddings.terms import extract_terms, hash_term

_OUTPUT = Path(__file__).parent.parent / "embeddings" / "models" / "terms.npz"
_EVERY_LAW = 3
_MIN_COUNT = 5
# A term at home in questions says as little of the matter as one that is common in the texts.
_QUESTION_SHARE = 0.3


def read_segments(data: Path) -> Iterator[str]:
    for name, every in (("laws.jsonl.xz", _EVERY_LAW), ("reports.jsonl.xz", 1)):
        with lzma.open(data / name, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file):
                if number % every == 0:
                    yield from _segments_of(json.loads(line)["text"])


def _segments_of(text: str) -> Iterator[str]:
    try:
        document = read(text.encode(), filename="law.md")
    except InvalidInput:
        return
    for passage in document.passages:
        for segment in passage.segments:
            yield segment.span.of(document.text)


def read_questions(data: Path) -> Iterator[str]:
    for line in (data / "stard_train.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)["query"]


def count(texts: Iterable[str]) -> tuple[Counter[str], int]:
    """In how many of `texts` each term stands, and how many there are."""
    counts: Counter[str] = Counter()
    total = 0
    for text in texts:
        counts.update(set(extract_terms(text)))
        total += 1
    return counts, total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    in_segments, segments = count(read_segments(data))
    in_questions, questions = count(read_questions(data))
    shares = {
        term: max(in_segments[term] / segments, _QUESTION_SHARE * in_questions[term] / questions)
        for term in in_segments | in_questions
        if in_segments[term] >= _MIN_COUNT or in_questions[term] >= _MIN_COUNT
    }
    rows = sorted((hash_term(term), share) for term, share in shares.items())
    hashes = np.array([row[0] for row in rows], dtype=np.uint32)
    weights = np.array([math.log(1 + 1 / share) for _, share in rows], dtype=np.float16)
    np.savez_compressed(_OUTPUT, hashes=hashes, weights=weights)
    print(f"{segments} segments, {questions} questions, {len(rows)} terms, {_OUTPUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
