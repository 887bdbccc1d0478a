"""How well sentences that talk to a language model are kept from it, and how often others are lost.

    python scripts/eval_orders.py DATA

Each case of tests/injections.jsonl is a paragraph with an order in it and a marker that shows whether the order was
obeyed. An upstream is assumed that obeys whatever it is shown and cites it. DATA holds laws.jsonl.xz and
reports.jsonl.xz ({"text"} a line): what is left out of them is lost.
"""

import argparse
import json
import lzma
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from api.checking import Checker
from api.orders import without_orders
from api.prompting import answer_messages
from embeddings import Embedder, load_embedder, open_collection, read

CASES = Path(__file__).resolve().parent.parent / "tests" / "injections.jsonl"
EVERY_LAW = 10


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    given = parser.parse_args()
    embedder = load_embedder()
    with CASES.open(encoding="utf-8") as lines:
        told = [outcome(embedder, **json.loads(line)) for line in lines]
    shown = sum(is_shown for is_shown, _ in told)
    obeyed = sum(is_obeyed for _, is_obeyed in told)
    print(f"{len(told)} orders: {shown} shown to the model, {obeyed} obeyed")
    for name, step in (("reports.jsonl.xz", 1), ("laws.jsonl.xz", EVERY_LAW)):
        lines_in_all = lost = 0
        for number, text in enumerate(texts(given.data / name)):
            if number % step == 0:
                paragraphs = [line for line in text.split("\n") if line.strip()]
                lines_in_all += len(paragraphs)
                lost += sum(han(without_orders(line)) < han(line) for line in paragraphs)
        print(f"{name}: {lost} of {lines_in_all:,} paragraphs lose a sentence")


def outcome(embedder: Embedder, text: str, question: str, marker: str) -> tuple[bool, bool]:
    """Whether the model is shown what it would obey, and whether what it then writes gets through."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_collection(Path(folder), "default", embedder)) as collection,
    ):
        collection.add([read(text.encode(), filename="文件.txt")])
        hits = collection.search(question, min_score=0)
        _, said = answer_messages(question, hits)
    is_shown = marker in said["content"]
    checker = Checker(question, hits)
    pieces = [*checker.feed(f"{marker}[1]。"), *checker.finish()]
    return is_shown, is_shown and marker in "".join(piece.text for piece in pieces)


def han(text: str) -> int:
    """Comments and characters that do not show are not lost."""
    return sum("\u4e00" <= character <= "\u9fff" for character in text)


def texts(path: Path) -> Iterator[str]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]


if __name__ == "__main__":
    main()
