"""Threads that write to a server and search in it until it goes or they are told to stop."""

import random
from collections import Counter
from threading import Event, Thread

from load.ledger import Ledger
from load.server import Client, Gone


class Work:
    """`faults` tells everything that should not have happened; `done` counts what was."""

    def __init__(self, address: str, ledger: Ledger) -> None:
        self._address = address
        self._ledger = ledger
        self._stopping = Event()
        self._threads: list[Thread] = []
        self.faults: list[str] = []
        self.done: Counter[str] = Counter()

    def begin(self, *, writers: int, readers: int) -> None:
        for number in range(writers + readers):
            work = self._write if number < writers else self._search
            thread = Thread(target=self._until_gone, args=(work, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def end(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _until_gone(self, work, number: int) -> None:  # type: ignore[no-untyped-def]
        client, chosen = Client(self._address), random.Random(number)
        try:
            while not self._stopping.is_set():
                work(client, chosen)
        except Gone:
            if not self._stopping.is_set():
                self.done["cut off"] += 1
        except Exception as error:
            self.faults.append(f"{type(error).__name__}: {error}")
        finally:
            client.close()

    def _write(self, client: Client, chosen: random.Random) -> None:
        action = chosen.choices(("add", "replace", "delete"), (5, 3, 2))[0]
        old = None if action == "add" else self._ledger.take()
        if old is None:
            self._add(client)
        elif action == "replace":
            new = self._ledger.new()
            self._expect(client, "PUT", f"/documents/{old.id}", {"text": new.text}, 200, (old, new))
            self._ledger.settle(present=new, absent=old)
        else:
            self._expect(client, "DELETE", f"/documents/{old.id}", None, 200, (old,))
            self._ledger.settle(absent=old)
            _, reply = client.ask("POST", "/search", {"query": old.word, "min_score": 0})
            if any(old.word in hit["passage"] for hit in reply["hits"]):
                self.faults.append(f"{old.word} is found after it was deleted")
            self.done["delete"] += 1
            return
        self.done[action] += 1

    def _add(self, client: Client) -> None:
        new = self._ledger.new()
        self._expect(client, "POST", "/documents", {"text": new.text}, 201, (new,))
        self._ledger.settle(present=new)

    def _expect(self, client: Client, method: str, path: str, body: object, status: int, texts) -> None:  # type: ignore[no-untyped-def]
        try:
            answered, reply = client.ask(method, path, body)
        except Gone:
            self._ledger.lose(*texts)
            raise
        if answered != status:
            self.faults.append(f"{method} {path}: {answered} {str(reply)[:300]}")

    def _search(self, client: Client, chosen: random.Random) -> None:
        wanted = self._ledger.sample(self._ledger.present, 1)
        query = wanted[0].word if wanted and chosen.random() < 0.5 else "燃气安全每年检查"
        status, reply = client.ask("POST", "/search", {"query": query, "min_score": 0, "top_k": 10})
        if status != 200:
            self.faults.append(f"search: {status} {str(reply)[:300]}")
            return
        for hit in reply["hits"]:
            start, end = (a - b for a, b in zip(hit["quote_span"], [hit["passage_span"][0]] * 2, strict=True))
            if hit["passage"][start:end] != hit["quote"]:
                self.faults.append(f"a quote is not in its passage: {hit['quote_span']}")
            name = hit["source"]["title"][-10:]
            if name.startswith("wy") and name not in hit["passage"]:
                self.faults.append(f"a passage of another document than {name}: {hit['passage'][:60]}")
        self.done["search"] += 1
