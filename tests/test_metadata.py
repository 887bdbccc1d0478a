"""What official documents say of themselves, on documents with labels."""

import json
from pathlib import Path

import pytest

from embeddings import Condition, parse_filters, read
from embeddings.errors import InvalidFilter

NOTICES = [
    json.loads(line)
    for line in (Path(__file__).parent / "metadata" / "notices.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("notice", NOTICES, ids=[notice["expected"]["title"] for notice in NOTICES])
def test_a_notice_says_what_it_is_labelled_with(notice: dict[str, dict[str, str]]) -> None:
    metadata = read(str(notice["text"]).encode(), filename="x.txt").metadata
    fields = {name: getattr(metadata, name) for name in type(metadata).__dataclass_fields__}

    assert {name: field.value for name, field in fields.items() if field} == notice["expected"]


@pytest.mark.parametrize("notice", NOTICES, ids=[notice["expected"]["title"] for notice in NOTICES])
def test_every_field_has_the_span_that_it_was_read_from(notice: dict[str, str]) -> None:
    document = read(notice["text"].encode(), filename="x.txt")

    for name in ("title", "doc_number", "recipient", "speaker", "meeting"):
        field = getattr(document.metadata, name)
        if field:
            assert "".join(field.span.of(document.text).split()) == "".join(field.value.split())


def test_a_title_over_two_lines_is_one_title() -> None:
    (notice,) = [n for n in NOTICES if n["expected"]["title"].startswith("滨海市")]
    document = read(notice["text"].encode(), filename="x.txt")

    headings = [passage for passage in document.passages if passage.is_heading]
    assert [passage.span.of(document.text) for passage in headings[:2]] == [
        "滨海市人民政府办公室关于进一步加强",
        "城镇燃气安全管理工作的通知",
    ]


def test_a_document_number_is_one_in_any_brackets() -> None:
    filters = [
        parse_filters({"doc_number": f"国发{b[0]}2020{b[1]}1 号"})
        for b in ("〔〕", "[]", "（）", "()", "【】")
    ]

    assert len(set(map(str, filters))) == 1


@pytest.mark.parametrize(
    ("filters", "path"),
    [
        ({"colour": "red"}, "colour"),
        ({"or": [{"kind": "通知"}, {"dat": "2021"}]}, "or.1.dat"),
        ({"or": []}, "or"),
        ({"and": {"kind": "通知"}}, "and"),
        ({"not": "通知"}, "not"),
        ({"date": {"gte": "2021-13"}}, "date.gte"),
        ({"date": {"since": "2021"}}, "date.since"),
        ({"kind": 5}, "kind"),
        ({"kind": {}}, "kind"),
        ({"kind": ["通知", 1]}, "kind"),
        ({"kind": {"in": "通知"}}, "kind.in"),
        ({"kind": {"exists": "yes"}}, "kind.exists"),
        ({"kind": "\ud800"}, "kind"),
        ({"attributes.": 1}, "attributes."),
        ({"attributes.v": None}, "attributes.v"),
        ({"attributes.v": {"gt": True}}, "attributes.v.gt"),
        ({"attributes.v": {"contains": 3}}, "attributes.v.contains"),
        ({"attributes.v": {"eq": [3]}}, "attributes.v.eq"),
        ({"attributes.v": float("nan")}, "attributes.v"),
        ({"attributes.v": 10**400}, "attributes.v"),
        ({"attributes." + "v" * 65: 1}, "attributes." + "v" * 65),
    ],
)
def test_what_is_wrong_in_a_filter_is_named(filters: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse_filters(filters)

    assert caught.value.path == path


def test_a_part_of_a_date_is_text() -> None:
    assert parse_filters({"date": {"contains": "-12-"}}) == Condition("date", "contains", ("-12-",))


def test_lists_that_are_long_together_are_refused() -> None:
    with pytest.raises(InvalidFilter, match="10,000"):
        parse_filters({"and": [{"title": ["x"] * 1_000} for _ in range(11)]})


def test_a_filter_nested_without_end_is_refused() -> None:
    filters: dict[str, object] = {"kind": "通知"}
    for _ in range(1000):
        filters = {"not": filters}

    with pytest.raises(InvalidFilter):
        parse_filters(filters)
