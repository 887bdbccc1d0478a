import json
import re
import unicodedata
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import NotRequired, TypedDict, cast

from embeddings.terms import fold

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ROOT / "seeds"
QUESTIONS, TUNING, REFUSALS, EVERYDAY, DIALOGUES = (
    SEEDS / f"{name}.jsonl" for name in ("questions", "tuning", "refusals", "everyday", "dialogues")
)
LIBRARIES = sorted((ROOT / "scripts" / "training" / "libraries").glob("*.jsonl"))
KINDS = {"topic", "fact", "number", "synonym", "typo", "traditional", "unanswerable"}
SPLITS = {"tune", "measure"}
SENTENCE_ENDS = "。！？!?；;"


class Gold(TypedDict):
    filename: str
    start: int
    end: int
    text: str


class Question(TypedDict):
    id: str
    question: str
    kind: str
    split: str
    gold: list[Gold]
    history: NotRequired[list[str]]


def read_questions(file: Path = QUESTIONS) -> list[Question]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [cast(Question, json.loads(line)) for line in lines]


def read_document(filename: str) -> str:
    return (SEEDS / filename).read_bytes().decode("utf-8")


def asked(question: Question) -> str:
    text = unicodedata.normalize("NFKC", question["question"]).casefold()
    return re.sub(r"[\W_]", "", text)


def pairs_of(text: str) -> set[str]:
    letters = re.sub(r"[\W_]", "", fold(text))
    return {letters[i : i + 2] for i in range(len(letters) - 1)} or {letters}


def test_every_gold_text_equals_its_slice_of_the_document() -> None:
    for question in read_questions():
        for gold in question["gold"]:
            document = read_document(gold["filename"])
            assert 0 <= gold["start"] < gold["end"] <= len(document), question["id"]
            assert document[gold["start"] : gold["end"]] == gold["text"], question["id"]


def test_every_gold_span_begins_and_ends_where_a_sentence_or_line_does() -> None:
    for question in read_questions():
        for gold in question["gold"]:
            document = read_document(gold["filename"])
            before = document[: gold["start"]][-1:]
            after = document[gold["end"] :][:1]
            assert before in SENTENCE_ENDS + "\n：:", question["id"]
            closed = gold["text"][-1] in SENTENCE_ENDS or after in ("", "\n")
            assert closed, question["id"]
            assert gold["text"] == gold["text"].strip(), question["id"]


def test_no_question_lists_overlapping_gold_spans() -> None:
    for question in read_questions():
        spans = sorted((g["filename"], g["start"], g["end"]) for g in question["gold"])
        for first, second in pairwise(spans):
            assert first[0] != second[0] or first[2] <= second[1], question["id"]


def test_questions_to_tune_with_have_exact_gold_unless_nothing_answers_them() -> None:
    for question in read_questions(TUNING):
        assert question["split"] == "tune"
        assert (question["kind"] == "answerable") == bool(question["gold"]), question["question"]
        for gold in question["gold"]:
            assert read_document(gold["filename"])[gold["start"] : gold["end"]] == gold["text"]


def test_nothing_answers_everyday_questions_and_each_is_asked_once() -> None:
    everyday = read_questions(EVERYDAY)
    assert not any(question["gold"] for question in everyday)
    counts = Counter(asked(question) for question in everyday)
    assert [text for text, count in counts.items() if count > 1] == []


def test_no_question_that_is_measured_with_is_near_one_that_was_fitted_to() -> None:
    files = (QUESTIONS, TUNING, REFUSALS, EVERYDAY, *LIBRARIES)
    every = [question for file in files for question in read_questions(file)]
    fitted = [pairs_of(question["question"]) for question in every if question["split"] == "tune"]
    measured = [pairs_of(question["question"]) for question in every if question["split"] == "measure"]
    for dialogue in read_questions(DIALOGUES):
        if dialogue["split"] == "measure":
            measured += [pairs_of(text) for text in (dialogue["question"], *dialogue.get("history", ()))]
    assert len(fitted) > 4_000
    assert len(measured) > 1_000
    holders: dict[str, list[int]] = defaultdict(list)
    for place, pairs in enumerate(measured):
        for pair in pairs:
            holders[pair].append(place)
    for pairs in fitted:
        for place, common in Counter(place for pair in pairs for place in holders[pair]).items():
            assert common < len(pairs | measured[place]) / 2, (pairs, measured[place])


def test_question_ids_are_unique() -> None:
    ids = [question["id"] for question in read_questions()]
    assert len(ids) == len(set(ids))


def test_no_question_is_asked_twice() -> None:
    counts = Counter(asked(question) for question in read_questions())
    assert "" not in counts
    assert [text for text, count in counts.items() if count > 1] == []


def test_only_unanswerable_questions_have_no_gold() -> None:
    for question in read_questions():
        unanswerable = question["kind"] == "unanswerable"
        assert unanswerable == (not question["gold"]), question["id"]


def test_every_kind_stands_in_both_splits() -> None:
    counts = Counter((q["kind"], q["split"]) for q in read_questions())
    assert set(counts) == {(kind, split) for kind in KINDS for split in SPLITS}


def test_at_least_sixty_answerable_and_twenty_unanswerable_ones_are_kept_for_measuring() -> None:
    answerable = [bool(question["gold"]) for question in read_questions() if question["split"] == "measure"]
    assert answerable.count(True) >= 60
    assert answerable.count(False) >= 20


def test_every_document_answers_questions_of_both_splits() -> None:
    answered = {
        (gold["filename"], question["split"]) for question in read_questions() for gold in question["gold"]
    }
    documents = {path.name for path in SEEDS.glob("*.txt")}
    assert answered == {(document, split) for document in documents for split in SPLITS}
