"""What every Storage must keep. A backend joins by adding its opener to `OPENERS`."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from embeddings.attributes import Attribute
from embeddings.errors import DocumentNotFound
from embeddings.filters import parse_filters
from embeddings.local import LocalStorage
from embeddings.storage import NewDocument, Place, SegmentEntry, Snapshot, Storage
from embeddings.types import Document, Field, Heading, Mark, Metadata, Passage, Segment, Span, Vectors

Open = Callable[[], Storage]

EAST, NORTH, WEST, UP = np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, 0, 1]], np.float32)
NORTH_EAST = np.array([0.6, 0.8, 0.0], np.float32)

OPENERS: dict[str, Callable[[Path], Storage]] = {
    "local": lambda folder: LocalStorage(folder, embedder_id="compass", dim=3),
}


@pytest.fixture(params=OPENERS)
def open_storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same collection each time; what is open at the end is closed."""
    opened: list[Storage] = []

    def open_again() -> Storage:
        for storage in opened:
            storage.close()
        opened.append(OPENERS[request.param](tmp_path / "collection"))
        return opened[-1]

    yield open_again
    for storage in opened:
        storage.close()


@pytest.fixture
def storage(open_storage: Open) -> Storage:
    return open_storage()


def document_of(text: str, **changes: object) -> Document:
    """One passage a line, one segment a passage."""
    original = text.encode("utf-8", "surrogatepass")
    sha256 = hashlib.sha256(original).hexdigest()
    passages, start = [], 0
    for paragraph, line in enumerate(text.split("\n"), 1):
        span = Span(start, start + len(line))
        passages.append(Passage(span, paragraph, None, paragraph == 1, (Segment(span),)))
        start = span.end + 1
    values = {
        "id": sha256[:16],
        "sha256": sha256,
        "filename": "通知.txt",
        "original": original,
        "encoding": "utf-8",
        "text": text,
        "title": text.split("\n")[0],
        "metadata": Metadata(),
        "marks": (),
        "outline": (),
        "passages": tuple(passages),
    }
    return Document(**{**values, **changes})  # type: ignore[arg-type]


def new(text: str, *vectors: Vectors, **changes: object) -> NewDocument:
    """On its way in, with every character of a line as a term."""
    entries = [SegmentEntry(" ".join(c for c in line if not c.isspace())) for line in text.split("\n")]
    return NewDocument(document_of(text, **changes), entries, np.stack(vectors))


def nearest_texts(snapshot: Snapshot, vector: Vectors, k: int = 10) -> list[str]:
    return texts(snapshot, [found.segment_id for found in snapshot.nearest(vector, k)])


def matching_texts(snapshot: Snapshot, terms: Sequence[str], k: int = 10) -> list[str]:
    return texts(snapshot, [found.segment_id for found in snapshot.matching(terms, k)])


def texts(snapshot: Snapshot, segment_ids: Sequence[int]) -> list[str]:
    return [segment.passage_text for segment in snapshot.segments(segment_ids)]


def generation_of(storage: Storage) -> int:
    with storage.snapshot() as snapshot:
        return snapshot.generation


COMPASS = ("东风\n北风\n西边", EAST, NORTH, WEST)


def test_a_new_collection_is_empty(storage: Storage) -> None:
    with storage.snapshot() as snapshot:
        assert snapshot.segment_count() == 0
        assert snapshot.nearest(EAST, 5) == []
        assert snapshot.matching(["风"], 5) == []
        assert snapshot.frequencies(["风"]) == [0]
        assert snapshot.vectors([]).shape == (0, 3)
    assert storage.list_documents(offset=0, limit=5) == ([], 0)
    assert storage.document_ids() == set()


def test_nearest_is_by_cosine_best_first(storage: Storage) -> None:
    storage.add([new(*COMPASS)])
    with storage.snapshot() as snapshot:
        assert nearest_texts(snapshot, NORTH_EAST) == ["北风", "东风", "西边"]
        assert [c.score for c in snapshot.nearest(NORTH_EAST, 2)] == pytest.approx([0.8, 0.6], abs=1e-3)
        assert nearest_texts(snapshot, NORTH_EAST, k=1) == ["北风"]


def test_matching_finds_segments_with_any_of_the_terms_best_first(storage: Storage) -> None:
    storage.add([new(*COMPASS)])
    with storage.snapshot() as snapshot:
        assert matching_texts(snapshot, ["风", "北"]) == ["北风", "东风"]
        assert matching_texts(snapshot, ["风", "北"], k=1) == ["北风"]
        assert matching_texts(snapshot, ["南"]) == []
        assert matching_texts(snapshot, []) == []


def test_a_term_asked_for_twice_weighs_twice(storage: Storage) -> None:
    storage.add([new("东风\n西边", EAST, WEST)])
    with storage.snapshot() as snapshot:
        (once,), (twice,) = snapshot.matching(["西"], 1), snapshot.matching(["西", "西"], 1)
        assert twice.score == pytest.approx(2 * once.score)
        assert matching_texts(snapshot, ["东", "西", "西"]) == ["西边", "东风"]


@pytest.mark.parametrize("term", ["AND", "-", "*", '"', "terms:风", "(", "风 北", "\\", "风:^2"])
def test_terms_are_not_syntax(storage: Storage, term: str) -> None:
    storage.add([new(*COMPASS)])
    with storage.snapshot() as snapshot:
        assert snapshot.matching([term], 5) == []


def test_frequencies_count_segments_not_occurrences(storage: Storage) -> None:
    storage.add([new("风风风\n北风", EAST, NORTH)])
    with storage.snapshot() as snapshot:
        assert snapshot.frequencies(["风", "北", "南"]) == [2, 1, 0]


def test_a_removed_document_is_found_by_neither_leg(storage: Storage) -> None:
    going, staying = new("东风\n北风", EAST, NORTH), new("西风", WEST)
    storage.add([going, staying])
    storage.remove([going.document.id])
    with storage.snapshot() as snapshot:
        assert nearest_texts(snapshot, EAST) == ["西风"]
        assert matching_texts(snapshot, ["风"]) == ["西风"]
        assert snapshot.segment_count() == 1
    assert storage.document_ids() == {staying.document.id}


def test_everything_removed_leaves_an_empty_collection(storage: Storage) -> None:
    storage.add([new(*COMPASS)])
    storage.remove(list(storage.document_ids()))
    with storage.snapshot() as snapshot:
        assert (snapshot.nearest(EAST, 5), snapshot.matching(["风"], 5)) == ([], [])


def test_a_document_added_twice_changes_nothing(storage: Storage) -> None:
    storage.add([new(*COMPASS)])
    storage.add([new(*COMPASS)])
    assert generation_of(storage) == 1
    with storage.snapshot() as snapshot:
        assert snapshot.segment_count() == 3


def test_a_document_twice_in_one_call_is_added_once(storage: Storage) -> None:
    storage.add([new(*COMPASS), new("北", NORTH), new(*COMPASS)])
    documents, total = storage.list_documents(offset=0, limit=5)
    assert (total, [document.title for document in documents]) == (2, ["东风", "北"])


def test_segment_ids_are_never_used_again(storage: Storage) -> None:
    storage.add([new("东风", EAST)])
    with storage.snapshot() as snapshot:
        (before,) = snapshot.nearest(EAST, 1)
    storage.remove(list(storage.document_ids()))
    storage.add([new("东风", EAST)])
    with storage.snapshot() as snapshot:
        (after,) = snapshot.nearest(EAST, 1)
    assert after.segment_id > before.segment_id


def test_a_write_is_one_generation_and_no_write_is_none(storage: Storage) -> None:
    storage.add([new("东风", EAST), new("北风", NORTH)])
    storage.add([])
    storage.remove([])
    assert generation_of(storage) == 1
    storage.remove([document_of("东风").id, document_of("东风").id])
    assert generation_of(storage) == 2


@pytest.mark.parametrize("unknown", ["0000", "", "\ud800", "a\0b", "'; DROP TABLE documents"])
def test_removing_an_unknown_document_removes_none(storage: Storage, unknown: str) -> None:
    held = new(*COMPASS)
    storage.add([held])
    with pytest.raises(DocumentNotFound):
        storage.remove([held.document.id, unknown])
    with storage.snapshot() as snapshot:
        assert (snapshot.generation, snapshot.segment_count()) == (1, 3)


@pytest.mark.parametrize("unknown", ["0000", "\ud800", "a\0b"])
def test_reading_an_unknown_document_says_so(storage: Storage, unknown: str) -> None:
    storage.add([new(*COMPASS)])
    for read in (storage.document, storage.passages, storage.original):
        with pytest.raises(DocumentNotFound):
            read(unknown)
    with storage.snapshot() as snapshot, pytest.raises(DocumentNotFound):
        snapshot.heads([unknown])


@pytest.mark.parametrize(
    "text",
    ["", "a\0b\0", "\0", "𠮷野家😀", "行一\r\n行二\r", "\ufeff\u2028\x85\x1c", "\ud800 lone", "e\u0301 é"],
)
def test_text_comes_back_equal(open_storage: Open, text: str) -> None:
    document = document_of(text, filename=text + ".txt", title=text)
    storage = open_storage()
    storage.add([NewDocument(document, [SegmentEntry("")] * len(document.passages), _easts(document))])
    storage = open_storage()
    stored = storage.document(document.id)
    assert (stored.text, stored.title, stored.filename) == (text, text, text + ".txt")
    assert storage.original(document.id) == document.original
    with storage.snapshot() as snapshot:
        assert nearest_texts(snapshot, EAST) == text.split("\n")


def _easts(document: Document) -> Vectors:
    return np.stack([EAST] * len(document.passages))


def test_what_a_document_says_of_itself_comes_back_equal(open_storage: Open) -> None:
    metadata = Metadata(title=Field("关于…的通知", Span(0, 6)), date=Field("2026-11-01", Span(7, 17)))
    marks = (Mark(Span(3, 5), "页码"), Mark(Span(5, 6), "\ud800"))
    outline = (Heading(Span(0, 2), Span(0, 9), 1, 1, None), Heading(Span(2, 4), Span(2, 9), 2, 3, 0))
    document = document_of("一、甲\n乙", metadata=metadata, marks=marks, outline=outline)
    storage = open_storage()
    storage.add([NewDocument(document, [SegmentEntry("")] * 2, _easts(document))])
    storage = open_storage()
    stored = storage.document(document.id)
    assert (stored.metadata, stored.marks, stored.outline) == (metadata, marks, outline)
    assert (stored.sha256, stored.encoding, stored.passages) == (document.sha256, "utf-8", 2)
    assert stored.byte_length == len(document.original)
    assert stored.added_at.endswith("+00:00")
    with storage.snapshot() as snapshot:
        (head,) = snapshot.heads([document.id])
    assert (head.id, head.sha256, head.filename) == (document.id, document.sha256, "通知.txt")
    assert (head.title, head.metadata) == ("一、甲", metadata)


def test_a_segment_comes_with_its_passage(storage: Storage) -> None:
    passage = Passage(Span(2, 8), 7, 0, False, (Segment(Span(2, 5)), Segment(Span(5, 8))), page=3)
    document = document_of("壹\n一二三四五六", passages=(passage,))
    storage.add([NewDocument(document, [SegmentEntry("一"), SegmentEntry("四")], np.stack([EAST, NORTH]))])
    with storage.snapshot() as snapshot:
        ids = [found.segment_id for found in snapshot.nearest(NORTH, 2)]
        second, first = snapshot.segments(ids)
        assert (first.span, second.span) == ((2, 5), (5, 8))
        assert first.passage_id == second.passage_id
        assert (second.id, second.passage_span, second.passage_text) == (ids[0], (2, 8), "一二三四五六")
        assert (second.paragraph, second.page, second.is_heading) == (7, 3, False)
        assert second.document_id == document.id
    assert storage.passages(document.id) == [(Span(2, 8), 7, False)]


def test_a_segment_knows_its_topic_and_the_headings_around_it(storage: Storage) -> None:
    text = "一、安全\n燃气，要查。一是管。\n二、其他"
    one, first = Heading(Span(0, 4), Span(0, 16), 1, 1, None), Heading(Span(11, 13), Span(11, 16), 2, 1, 0)
    passage = Passage(Span(5, 15), 2, 0, False, (Segment(Span(5, 11), Span(5, 7)), Segment(Span(11, 15))))
    elsewhere = Heading(Span(16, 20), Span(16, 20), 1, 2, None)
    document = document_of(text, passages=(passage,), outline=(one, first, elsewhere))
    storage.add([NewDocument(document, [SegmentEntry("")] * 2, np.stack([EAST, NORTH]))])
    with storage.snapshot() as snapshot:
        segments = snapshot.segments([found.segment_id for found in snapshot.nearest(EAST, 2)])
    assert [segment.topic for segment in segments] == ["燃气", ""]
    assert segments[0].places == (Place("一、安全", Span(0, 16)), Place("一是", Span(11, 16)))


def test_rows_come_in_the_order_asked_for(storage: Storage) -> None:
    east, north = new("东风", EAST), new("北风", NORTH)
    storage.add([east, north])
    with storage.snapshot() as snapshot:
        near, far = (found.segment_id for found in snapshot.nearest(NORTH, 2))
        assert texts(snapshot, [far, near, far]) == ["东风", "北风", "东风"]
        assert snapshot.vectors([far, near]).tolist() == [EAST.tolist(), NORTH.tolist()]
        ids = [north.document.id, east.document.id]
        assert [head.title for head in snapshot.heads(ids)] == ["北风", "东风"]


def test_documents_are_listed_in_the_order_they_came_without_text(storage: Storage) -> None:
    for name in ("丙", "甲", "乙"):
        storage.add([new(name, EAST)])
    documents, total = storage.list_documents(offset=1, limit=5)
    assert ([document.title for document in documents], total) == (["甲", "乙"], 3)
    assert {document.text for document in documents} == {""}
    assert storage.list_documents(offset=3, limit=5) == ([], 3)


def test_documents_are_known_by_their_origin(storage: Storage) -> None:
    seed, mine = new("东风", EAST), new("北风", NORTH)
    storage.add([seed], origin="seeds")
    storage.add([mine])
    assert storage.document_ids(origin="seeds") == {seed.document.id}
    assert storage.document_ids(origin="elsewhere") == set()
    assert storage.document_ids() == {seed.document.id, mine.document.id}


def said_of(storage: Storage, document_id: str) -> Mapping[str, Attribute]:
    assert storage.attributes([document_id])[document_id] == storage.document(document_id).attributes
    return storage.document(document_id).attributes


def test_what_callers_say_of_a_document_comes_back_after_reopening(open_storage: Open) -> None:
    storage, one, other = open_storage(), new("东风", EAST), new("北风", NORTH)
    storage.add([one, other])
    said: dict[str, Attribute] = {"来源": "𠮷局\n二", "year": 2021, "share": 0.25, "open": True}
    storage.set_attributes({one.document.id: {"gone": 1}})
    storage.set_attributes({one.document.id: said})

    storage = open_storage()

    assert dict(said_of(storage, one.document.id)) == said
    assert said_of(storage, other.document.id) == {}
    assert storage.attribute_names() == set(said)
    assert storage.attributes(["gone", "\ud800"]) == {}


def test_what_is_said_again_is_no_new_generation(storage: Storage) -> None:
    one = new("东风", EAST)
    storage.add([one])
    for _ in range(2):
        storage.set_attributes({one.document.id: {"year": 2021}})

    assert generation_of(storage) == 2


def test_attributes_of_an_unknown_document_change_nothing(storage: Storage) -> None:
    one = new("东风", EAST)
    storage.add([one])
    with pytest.raises(DocumentNotFound):
        storage.set_attributes({one.document.id: {"year": 2021}, "gone": {"year": 2021}})

    assert said_of(storage, one.document.id) == {}


def test_what_replaces_a_document_takes_over_its_attributes(storage: Storage) -> None:
    old, newer = new("东风", EAST), new("北风", NORTH)
    storage.add([old])
    storage.set_attributes({old.document.id: {"year": 2021}})
    storage.replace(old.document.id, newer)

    assert said_of(storage, newer.document.id) == {"year": 2021}
    storage.remove([newer.document.id])
    assert storage.attribute_names() == set()


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"eq": 3}, "number"),
        ({"eq": 3.0}, "number"),
        ({"eq": "3"}, "text"),
        ({"eq": True}, "truth"),
        ({"eq": 1}, ""),
        ({"in": [3, "3", True, False]}, "number text truth"),
        ({"in": []}, ""),
        ({"ne": 3}, "text truth none"),
        ({"nin": ["3", 3]}, "truth none"),
        ({"gt": 2.5}, "number"),
        ({"gte": 3, "lt": 4}, "number"),
        ({"lte": 2}, ""),
        ({"gt": "2"}, "text"),
        ({"lt": "4"}, "text"),
        ({"contains": "3"}, "text"),
        ({"starts_with": "3"}, "text"),
        ({"ends_with": "4"}, ""),
        ({"exists": True}, "number text truth"),
        ({"exists": False}, "none"),
    ],
)
def test_attributes_are_compared_with_their_own_kind(
    storage: Storage, condition: dict[str, object], found: str
) -> None:
    values: dict[str, Attribute] = {"number": 3, "text": "3", "truth": True}
    documents = {name: new(name, EAST, id=name) for name in (*values, "none")}
    storage.add(list(documents.values()))
    storage.set_attributes({name: {"v": value} for name, value in values.items()})
    filter = parse_filters({"attributes.v": condition})

    listed, _ = storage.list_documents(offset=0, limit=9, filter=filter)
    with storage.snapshot() as snapshot:
        assert filter is not None
        scope = snapshot.select(filter)
        found_near = snapshot.segments([one.segment_id for one in snapshot.nearest(EAST, 10, scope)])

    assert [document.id for document in listed] == found.split()
    assert sorted(segment.document_id for segment in found_near) == sorted(found.split())


def test_a_document_without_segments_is_kept(open_storage: Open) -> None:
    document = document_of("", passages=())
    storage = open_storage()
    storage.add([NewDocument(document, [], np.empty((0, 3), np.float32)), new("东风", EAST)])
    storage = open_storage()
    assert storage.passages(document.id) == []
    storage.remove([document.id])
    with storage.snapshot() as snapshot:
        assert nearest_texts(snapshot, EAST) == ["东风"]


def test_an_open_snapshot_stays_as_it_was(storage: Storage) -> None:
    storage.add([new("东风", EAST)])
    with storage.snapshot() as before:
        storage.add([new("东边", EAST)])
        storage.remove([document_of("东风").id])
        assert nearest_texts(before, EAST) == matching_texts(before, ["东"]) == ["东风"]
        assert (before.segment_count(), before.frequencies(["风"])) == (1, [1])
        with storage.snapshot() as after:
            assert nearest_texts(after, EAST) == matching_texts(after, ["东"]) == ["东边"]
            assert after.generation == before.generation + 2


def test_what_was_added_and_removed_is_still_so_after_reopening(open_storage: Open) -> None:
    storage = open_storage()
    storage.add([new(*COMPASS), new("上风", UP)])
    storage.remove([document_of(COMPASS[0]).id])
    storage.add([new("北边", NORTH)])
    with open_storage().snapshot() as snapshot:
        assert snapshot.generation == 3
        assert nearest_texts(snapshot, NORTH, k=1) == ["北边"]
        assert sorted(nearest_texts(snapshot, UP)) == ["上风", "北边"]
        assert matching_texts(snapshot, ["风"]) == ["上风"]


def test_a_vector_that_fits_no_segment_is_refused_and_nothing_added(storage: Storage) -> None:
    good, bad = new("东风", EAST), new("北风", NORTH)
    for vectors in (
        np.stack([NORTH, NORTH]),
        np.ones((1, 2), np.float32),
        np.full((1, 3), np.nan, np.float32),
    ):
        with pytest.raises(ValueError):
            storage.add([good, NewDocument(bad.document, bad.entries, vectors)])
    assert storage.document_ids() == set()


@pytest.mark.parametrize("term", ["", "a\n", "全\u3000角"])
def test_a_term_with_white_space_is_refused(storage: Storage, term: str) -> None:
    added = new("东风", EAST)
    with pytest.raises(ValueError):
        storage.add([NewDocument(added.document, [SegmentEntry(f"前 {term} 后")], added.vectors)])


def test_closing_twice_is_closing_once(storage: Storage) -> None:
    storage.add([new(*COMPASS)])
    storage.close()
    storage.close()


def test_searches_see_whole_generations_while_documents_come_and_go(storage: Storage) -> None:
    """Every generation holds pairs of documents, so both legs and the rows must always agree on a pair."""
    writes, failures = 20, []

    def search() -> None:
        try:
            generation = 0
            while generation < writes:
                with storage.snapshot() as snapshot:
                    assert snapshot.generation >= generation
                    generation = snapshot.generation
                    near = nearest_texts(snapshot, EAST, k=100)
                    assert sorted(near) == sorted(matching_texts(snapshot, ["甲", "乙"], k=100))
                    assert len(near) == snapshot.segment_count()
                    assert len([t for t in near if "甲" in t]) == len([t for t in near if "乙" in t])
        except BaseException as failure:
            failures.append(failure)

    searchers = [Thread(target=search, daemon=True) for _ in range(4)]
    for searcher in searchers:
        searcher.start()
    for i in range(writes // 2):
        pair = [new(f"甲{i}", EAST), new(f"乙{i}", EAST)]
        storage.add(pair)
        storage.add([new(f"甲{i}续", EAST), new(f"乙{i}续", EAST)]) if i % 2 else storage.remove(
            [added.document.id for added in pair]
        )
    for searcher in searchers:
        searcher.join(timeout=60)
    assert failures == []
    assert not any(searcher.is_alive() for searcher in searchers)
