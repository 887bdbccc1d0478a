"""What a server has said about documents, and so what must be there."""

import random
from threading import Lock

from load.texts import Text, make_text


class Ledger:
    """Every text has one owner at a time: `take` it, do one thing with it, `settle` it."""

    def __init__(self, seed: int) -> None:
        self._lock = Lock()
        self._random = random.Random(seed)
        self._next = 0
        self.present: dict[str, Text] = {}
        self.absent: dict[str, Text] = {}
        # What was under way when the server went: the texts that may be there, exactly one of which must if
        # there are two.
        self.unknown: list[tuple[Text, ...]] = []

    def new(self) -> Text:
        with self._lock:
            self._next += 1
            return make_text(self._next)

    def take(self) -> Text | None:
        """One that is there; nobody else gets it until it is settled."""
        with self._lock:
            if len(self.present) < 20:
                return None
            word = self._random.choice(list(self.present))
            return self.present.pop(word)

    def settle(self, *, present: Text | None = None, absent: Text | None = None) -> None:
        with self._lock:
            if present is not None:
                self.present[present.word] = present
            if absent is not None:
                self.absent[absent.word] = absent

    def lose(self, *texts: Text) -> None:
        with self._lock:
            self.unknown.append(texts)

    def sample(self, of: dict[str, Text], count: int) -> list[Text]:
        with self._lock:
            texts = list(of.values())
        return self._random.sample(texts, min(count, len(texts)))
