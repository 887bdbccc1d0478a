"""Reports and laws of the data, and the library that is made of them."""

import json
import lzma
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embeddings import Document, read
from embeddings.letters import read_letters

PASSAGES = 60_000
_FULL_WIDTH = str.maketrans("０１２３４５６７８９", "0123456789")


@dataclass(frozen=True)
class Text:
    title: str
    year: int
    text: str


def read_texts(path: Path, *, is_local: bool = False) -> list[Text]:
    """The texts of a file, local laws only if asked for."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return [
        Text(
            r["title"],
            int(r.get("year") or _year(r.get("path", "") + r["text"])),
            r["text"].translate(_FULL_WIDTH),
        )
        for r in records
        if r["title"] != "_index" and (is_local or not r.get("path", "").startswith(("DLC", "案例")))
    ]


def _year(text: str) -> int:
    found = re.search(r"(?:19|20)\d\d", text)
    return int(found[0]) if found else 0


def make_library(reports: Sequence[Text], laws: Sequence[Text]) -> list[Document]:
    documents: list[Document] = []
    passages = 0
    for number, one in enumerate([*reports, *laws]):
        if passages >= PASSAGES:
            break
        document = read(f"{one.title}\n{one.text}".encode(), filename=f"{number}_{one.title[:40]}.txt")
        documents.append(document)
        passages += len(document.passages)
    return documents


def letters_of(text: str) -> str:
    """The letters of `text` as the check compares them."""
    letters = read_letters(text)
    return letters.string(0, len(letters))
