"""The lexical cache: a tantivy index of the segments' terms, scored by BM25."""

import json
import os
import shutil
import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import tantivy

from embeddings.local.rows import Rows, recalled
from embeddings.storage import Candidate, Scope, Terms

_HEAP_BYTES = 128_000_000
# Every write makes a part of its own, and tantivy joins only many that are alike; each costs every search time. More than
# so many are made one, where the largest holds less than this share; so many segments take 5 s.
_MAX_PARTS, _LEAST_LARGEST, _MOST_JOINED = 4, 0.9, 300_000
# Questions have many terms in common: so many frequencies are kept in mind.
_KNOWN_FREQUENCIES = 50_000
# A document of its own without terms, replaced in every commit: so what the index holds and what it says it
# holds cannot differ.
_MARKER_ID = -1


@dataclass(frozen=True, slots=True)
class LexicalView:
    """The index as it was at one commit."""

    searcher: tantivy.Searcher
    schema: tantivy.Schema
    _frequencies: dict[str, int] = field(default_factory=dict)

    def matching(self, terms: Terms, k: int, scope: Scope | None = None) -> list[Candidate]:
        if k < 1 or not terms:
            return []
        query = tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, self._query(term, times)) for term, times in Counter(terms).items()]
        )
        if scope is not None:
            query = tantivy.Query.boolean_query(
                [(tantivy.Occur.Must, query), (tantivy.Occur.Must, self._within(scope))]
            )
        hits = self.searcher.search(query, k, count=False).hits
        ids = self._values("id", [address for _, address in hits])
        found = [Candidate(id, score) for id, (score, _) in zip(ids, hits, strict=True)]
        return sorted(found, key=lambda candidate: (-candidate.score, candidate.segment_id))

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        known = recalled(self._frequencies, terms, self._read_frequencies, _KNOWN_FREQUENCIES)
        return [known[term] for term in terms]

    def segment_count(self) -> int:
        return self.searcher.num_docs - 1

    def marker(self) -> tuple[int, int]:
        """The stamp and the generation of the database that was indexed; zeros for a new index."""
        query = tantivy.Query.term_query(self.schema, "id", _MARKER_ID)
        addresses = [address for _, address in self.searcher.search(query, 1, count=False).hits]
        if not addresses:
            return 0, 0
        return self._values("stamp", addresses)[0], self._values("generation", addresses)[0]

    def _read_frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        return {term: self.searcher.doc_freq("terms", term) for term in terms}

    def _within(self, scope: Scope) -> tantivy.Query:
        of = tantivy.Query.term_set_query(self.schema, "document", scope.positions.tolist())
        return tantivy.Query.const_score_query(of, 0.0)

    def _query(self, term: str, times: float) -> tantivy.Query:
        query = tantivy.Query.term_query(self.schema, "terms", term, "freq")
        return query if times == 1 else tantivy.Query.boost_query(query, float(times))

    def _values(self, field: str, addresses: list[tantivy.DocAddress]) -> list[int]:
        return [int(value or 0) for value in self.searcher.fast_field_values(field, addresses)]


class LexicalIndex:
    """The index and its one writer. tantivy reports damage, a full disk and misuse alike as ValueError."""

    def __init__(self, folder: Path | None = None) -> None:
        """The index in `folder`, made if there is none; without a folder, a new one in memory.

        Raises: ValueError or OSError: what is there cannot be used.
        """
        if folder is not None:
            folder.mkdir(exist_ok=True)
            _verify_checksums(folder)
        self._schema = _schema()
        self._index = tantivy.Index(self._schema, path=None if folder is None else str(folder))
        # The default reader watches the folder from a thread of its own.
        self._index.config_reader("manual")
        self._index.reload()
        self._writer: tantivy.IndexWriter | None = None
        self._folder = folder
        self._files = None if folder is None else _OpenFiles(folder)

    @classmethod
    def emptied(cls, folder: Path) -> Self:
        """A new index in `folder`, whatever is there."""
        shutil.rmtree(folder, ignore_errors=True)
        return cls(folder)

    @classmethod
    def existing(cls, folder: Path) -> Self:
        if not tantivy.Index.exists(str(folder)):
            raise ValueError("no lexical index")
        return cls(folder)

    def view(self) -> LexicalView:
        return LexicalView(self._index.searcher(), self._schema)

    def verified(self, rows: Rows) -> Self:
        """Itself, if it holds what `rows` hold; else raises ValueError."""
        view = self.view()
        if view.marker() != (rows.stamp, rows.generation) or view.segment_count() != rows.segment_count:
            raise ValueError("the lexical index is not of this generation")
        return self

    def caught_up(self, rows: Rows) -> Self:
        """Itself, brought to the generation of `rows`; raises ValueError if it cannot be."""
        stamp, generation = self.view().marker()
        if stamp in (0, rows.stamp) and generation < rows.generation:
            self._write(rows, generation)
        return self.verified(rows) if rows.generation > 0 else self

    def join(self, rows: Rows) -> None:
        """Make one part of many, at the generation of `rows`, which it holds already."""
        sizes = [part["max_doc"] for part in _read_parts(self._folder)] if self._folder else []
        is_scattered = len(sizes) > _MAX_PARTS and max(sizes) < _LEAST_LARGEST * sum(sizes)
        if is_scattered and rows.segment_count <= _MOST_JOINED:
            self._write(rows, 0)

    def close(self) -> None:
        # Dropped, not awaited: merges go on in the background, and an unfinished one costs nothing.
        self._writer = None
        if self._files is not None:
            self._files.close()

    def _write(self, rows: Rows, generation: int) -> None:
        """Bring the index from `generation` to that of `rows`; from 0, whatever it holds."""
        if self._writer is None:
            self._writer = self._index.writer(_HEAP_BYTES, 1)
        if generation == 0:
            self._writer.delete_all_documents()
        else:
            for segment_id in [_MARKER_ID, *rows.removed_since(generation).tolist()]:
                self._writer.delete_documents_by_term("id", segment_id)
        for segment_id, position, terms in rows.terms_since(generation):
            self._writer.add_document(_document(segment_id, position, terms))
        marker = _document(_MARKER_ID, _MARKER_ID, "")
        marker.add_integer("stamp", rows.stamp)
        marker.add_integer("generation", rows.generation)
        self._writer.add_document(marker)
        self._writer.commit()
        self._index.reload()
        if self._files is not None:
            self._files.renew()


class _OpenFiles:
    """Keeps the files of an index open until no searcher uses them.

    Whoever lets go last of a file that a merge has deleted waits until the disk has freed it, 0.2 s at worst.
    A searcher would, with all other threads at a stand; `os.close` lets them go on.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, int] = {}
        self._leaving: set[str] = set()

    def renew(self) -> None:
        """To be called after each reload. What was gone by the last one no searcher uses any more."""
        for name in self._leaving:
            os.close(self._open.pop(name))
        present = set(os.listdir(self._folder))
        self._leaving = self._open.keys() - present
        for name in present - self._open.keys():
            with suppress(OSError):
                self._open[name] = os.open(self._folder / name, os.O_RDONLY)

    def close(self) -> None:
        while self._open:
            os.close(self._open.popitem()[1])
        self._leaving = set()


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    # Signed: deleting by an unsigned id silently does nothing.
    builder.add_integer_field("id", indexed=True, fast=True)
    builder.add_integer_field("document", indexed=True)
    builder.add_integer_field("stamp", fast=True)
    builder.add_integer_field("generation", fast=True)
    builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
    return builder.build()


def _document(segment_id: int, position: int, terms: str) -> tantivy.Document:
    document = tantivy.Document()
    # By name: a value of another type than the field's would end the writer.
    document.add_integer("id", segment_id)
    document.add_integer("document", position)
    document.add_text("terms", terms)
    return document


def _verify_checksums(folder: Path) -> None:
    """tantivy checks that its files are whole, not that their bytes are right, and then answers wrongly.

    A file of an index ends in {"version": …, "crc": …}, the length of that, and a magic number.
    """
    for part in _read_parts(folder):
        for path in folder.glob(part["segment_id"].replace("-", "") + ".*"):
            content = memoryview(path.read_bytes())
            body = len(content) - 8 - struct.unpack("<I", content[-8:-4])[0]
            if zlib.crc32(content[:body]) != json.loads(bytes(content[body:-8]))["crc"]:
                raise ValueError("a file of the lexical index is damaged")


def _read_parts(folder: Path) -> list[dict[str, Any]]:
    """What tantivy says of the parts of the index in `folder`, which it calls segments."""
    meta = folder / "meta.json"
    parts: list[dict[str, Any]] = json.loads(meta.read_bytes())["segments"] if meta.exists() else []
    return parts
