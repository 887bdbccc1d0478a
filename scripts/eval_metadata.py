"""How well metadata is read, per field, on the labelled documents of tests/metadata.

    python scripts/eval_metadata.py [DATA]

DATA is the folder of laws.jsonl.xz and reports.jsonl.xz; without it only notices and seeds are read. A value is right
when it is the label letter for letter. The set “unseen laws” was
labelled after the rules were written; the notices were written along with them.
"""

import hashlib
import json
import lzma
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from embeddings import read

ROOT = Path(__file__).parent.parent
FIELDS = ("title", "doc_number", "issuer", "recipient", "kind", "date", "speaker", "meeting")
LABELS = ROOT / "tests" / "metadata"


class Labelled(NamedTuple):
    group: str
    name: str
    text: str
    expected: dict[str, str]


def main() -> None:
    labelled = list(load(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
    groups = dict(Counter(one.group for one in labelled))
    print(f"{len(labelled)} documents: {groups}")
    for group in (None, *groups):
        chosen = [one for one in labelled if group in (None, one.group)]
        print(f"\n{group or 'all':12} {'labels':>7} {'precision':>10} {'recall':>7}")
        for field, (labels, precision, recall) in figures(chosen).items():
            if labels:
                print(f"{field:12} {labels:7} {precision:10.3f} {recall:7.3f}")


def load(data: Path | None) -> Iterator[Labelled]:
    for line in (LABELS / "notices.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        yield Labelled("notices", record["expected"]["title"], record["text"], record["expected"])
    texts = dict(_seeds())
    if data is not None:
        texts |= dict(_records(data / "laws.jsonl.xz")) | dict(_records(data / "reports.jsonl.xz"))
    for line in (LABELS / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if text := texts.get(record["sha256"]):
            yield Labelled(record["set"], record["name"], text, record["expected"])


def figures(labelled: list[Labelled]) -> dict[str, tuple[int, float, float]]:
    """For each field how many labels there are, precision and recall."""
    right, read_, wanted = Counter[str](), Counter[str](), Counter[str]()
    for one in labelled:
        metadata = read(one.text.encode(), filename=f"{one.name}.txt").metadata
        for field in FIELDS:
            found = getattr(metadata, field)
            read_[field] += found is not None
            wanted[field] += field in one.expected
            right[field] += found is not None and found.value == one.expected.get(field)
    return {
        field: (wanted[field], right[field] / max(1, read_[field]), right[field] / max(1, wanted[field]))
        for field in FIELDS
    }


def _seeds() -> Iterator[tuple[str, str]]:
    for path in (ROOT / "seeds").glob("*.txt"):
        data = path.read_bytes()
        yield hashlib.sha256(data).hexdigest(), data.decode()


def _records(path: Path) -> Iterator[tuple[str, str]]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            text = json.loads(line)["text"]
            yield hashlib.sha256(text.encode()).hexdigest(), text


if __name__ == "__main__":
    main()
