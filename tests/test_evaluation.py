"""Labelled questions to figures, on documents small enough to count by hand."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from embeddings import (
    Collection,
    InvalidInput,
    evaluate,
    load_embedder,
    load_questions,
    open_collection,
    read,
)

TEXT = "安全讲话\n燃气领域，要检查灌装站。\n消防领域，要检查商场。"


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    collection = open_collection(tmp_path / "c", "default", load_embedder())
    collection.add([read(TEXT.encode(), filename="甲.txt")])
    yield collection
    collection.close()


def write(path: Path, *questions: dict[str, object]) -> Path:
    path.write_text("\n".join(json.dumps(question) for question in questions), encoding="utf-8")
    return path


def gold(text: str, filename: str = "甲.txt") -> dict[str, object]:
    start = TEXT.index(text)
    return {"filename": filename, "start": start, "end": start + len(text)}


def test_a_right_first_quote_counts_everywhere(collection: Collection, tmp_path: Path) -> None:
    questions = write(
        tmp_path / "q", {"question": "燃气灌装站检查", "gold": [gold("燃气领域，要检查灌装站。")]}
    )
    report = evaluate(collection, load_questions(questions))
    assert (
        report.quote.hit_at_1 == report.quote.mrr == report.quote.ndcg_at_10 == report.passage.hit_at_1 == 1
    )
    assert report.answer_share == 1
    assert report.lost == 0


def test_a_quote_of_the_wrong_place_or_document_is_no_hit(collection: Collection, tmp_path: Path) -> None:
    questions = write(
        tmp_path / "q",
        {"question": "燃气灌装站检查", "gold": [gold("消防领域，要检查商场。")]},
        {"question": "燃气灌装站检查", "gold": [gold("燃气领域，要检查灌装站。", "乙.txt")]},
    )
    report = evaluate(collection, load_questions(questions))
    assert report.quote.hit_at_1 == 0


def test_refusals_are_counted_on_both_sides(collection: Collection, tmp_path: Path) -> None:
    questions = write(
        tmp_path / "q",
        {"question": "红烧肉", "gold": [gold("消防领域，要检查商场。")]},
        {"question": "红烧肉", "gold": []},
        {"question": "燃气灌装站检查", "gold": []},
    )
    report = evaluate(collection, load_questions(questions))
    assert (report.lost, report.false_answers) == (1, 0.5)


def test_refusals_are_told_for_thresholds_of_other_losses(collection: Collection, tmp_path: Path) -> None:
    right: dict[str, object] = {"question": "燃气灌装站检查", "gold": [gold("燃气领域，要检查灌装站。")]}
    wrong: dict[str, object] = {"question": "红烧肉", "gold": [gold("消防领域，要检查商场。")]}
    questions = write(tmp_path / "q", *[right] * 19, wrong, {**right, "gold": []}, {**wrong, "gold": []})
    report = evaluate(collection, load_questions(questions))
    assert [(at.lost, at.refused) for at in report.refusals] == [(0.01, 0), (0.02, 0), (0.05, 0.5)]


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"question": "x"}', '{"question": "x", "gold": [{"start": 1}]}']
)
def test_a_line_that_is_no_question_is_refused_by_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "x", "gold": []}\n' + line, encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"Line 2 of q\.jsonl"):
        load_questions(path)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00"])
def test_a_file_without_questions_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(data)
    with pytest.raises(InvalidInput, match=r"q\.jsonl"):
        load_questions(path)
