"""Whether a server holds what its ledger says."""

from typing import Any

from load.ledger import Ledger
from load.server import Client

_PAGE = 100


def check(client: Client, ledger: Ledger, *, sampled: int = 20) -> list[str]:
    """All that is wrong. What was unknown is settled by what is there."""
    held = _held(client)
    faults = [
        f"{text.word} was acknowledged and is gone" for text in ledger.present.values() if text.id not in held
    ]
    faults += [f"{text.word} was deleted and is back" for text in ledger.absent.values() if text.id in held]
    faults += _settle(ledger, held)
    for text in ledger.sample(ledger.present, sampled):
        status, stored = client.ask("GET", f"/documents/{text.id}/text")
        if (status, stored) != (200, text.text):
            faults.append(f"{text.word} came back changed")
        if text.word not in _found(client, text.word):
            faults.append(f"{text.word} is not found")
    for text in ledger.sample(ledger.absent, sampled):
        if text.word in _found(client, text.word):
            faults.append(f"{text.word} is found though it is gone")
    return faults


def _settle(ledger: Ledger, held: set[str]) -> list[str]:
    faults = []
    for texts in ledger.unknown:
        there = [text for text in texts if text.id in held]
        if len(texts) == 2 and len(there) != 1:
            faults.append(f"a replacement is half done: {[text.word for text in there]} are there")
        for text in texts:
            ledger.settle(**{"present" if text in there else "absent": text})
    ledger.unknown.clear()
    return faults


def _held(client: Client) -> set[str]:
    held: set[str] = set()
    while True:
        status, page = client.ask("GET", f"/documents?limit={_PAGE}&offset={len(held)}")
        assert status == 200, page
        held.update(document["id"] for document in page["documents"])
        if len(held) >= page["total"] or not page["documents"]:
            return held


def _found(client: Client, word: str) -> str:
    status, reply = client.ask("POST", "/search", {"query": word, "min_score": 0})
    assert status == 200, reply
    hits: list[Any] = reply["hits"]
    return "\n".join(hit["passage"] for hit in hits)
