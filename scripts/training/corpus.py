"""Laws, reports and questions, read as passages of folded text."""

import json
import lzma
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embeddings.terms import fold

_ARTICLE = re.compile(r"^(第[一二三四五六七八九十百千零〇0-9]+条(?:之[一二三四五六七八九十]+)?)\s*")
_NAMED_ARTICLE = re.compile(r"^(.+?)(第[一二三四五六七八九十百千零〇0-9]+条(?:之[一二三四五六七八九十]+)?)$")
_HEADING_NUMBER = re.compile(
    r"^(第[一二三四五六七八九十百零〇0-9]+[编章节]|[一二三四五六七八九十]+、|[(（][一二三四五六七八九十]+[)）])\s*"
)
_VERSION = re.compile(r"[(（][^)）]*[)）]")
_REGION = re.compile(r"^.{2,9}?(?:省|市|自治区|自治州|自治县|特区|地区)")
_SENTENCE_END = re.compile(r"(?<=[。；！？;!?\n])")
_NOT_WORDS = re.compile(r"[\W_]+")
_NOT_NATIONAL = ("DLC/", "案例")


@dataclass(frozen=True, slots=True)
class TrainingPassage:
    """An article of a law, or a paragraph of a report.

    `work` is the law without its date, shared by its versions; `subject` is that without the region, shared by
    the local regulations of many provinces.
    """

    work: str
    subject: str
    heading: str
    sentences: tuple[str, ...]
    is_national: bool

    @property
    def text(self) -> str:
        return "".join(self.sentences)


@dataclass(frozen=True, slots=True)
class Question:
    """A layperson's question; `answers` are (work, text) of the articles that answer it."""

    text: str
    answers: tuple[tuple[str, str], ...]


def read_laws(data_dir: Path) -> list[TrainingPassage]:
    """The articles of every law and regulation, in order."""
    passages: list[TrainingPassage] = []
    for law in _read_lines(data_dir / "laws.jsonl.xz"):
        if "_index" not in law["path"]:
            is_national = not law["path"].startswith(_NOT_NATIONAL)
            passages.extend(_split_law(law["title"], law["text"], is_national))
    return passages


def read_reports(data_dir: Path) -> list[TrainingPassage]:
    """The paragraphs of the work reports, each under its nearest heading."""
    passages: list[TrainingPassage] = []
    for report in _read_lines(data_dir / "reports.jsonl.xz"):
        title, heading = fold(report["title"]), ""
        for line in fold(report["text"]).splitlines():
            stripped = line.strip()
            if _HEADING_NUMBER.match(stripped) and len(stripped) < 40:
                heading = _HEADING_NUMBER.sub("", stripped)
            elif len(stripped) > 15:
                passages.append(TrainingPassage(title, title, heading, split_sentences(stripped), False))
    return passages


def read_questions(data_dir: Path) -> list[Question]:
    with (data_dir / "stard_train.jsonl").open(encoding="utf-8") as lines:
        return [_as_question(json.loads(line)) for line in lines]


def read_whole(data_dir: Path, names: Container[str]) -> Iterator[tuple[str, str]]:
    """(file name, text) of the laws and reports of `names`, as they are printed."""
    for law in _read_lines(data_dir / "laws.jsonl.xz"):
        name = Path(law["path"]).name
        if name in names:
            yield name, law["text"]
    for report in _read_lines(data_dir / "reports.jsonl.xz"):
        name = f"{report['title']}.txt"
        if name in names:
            yield name, f"{report['title']}\n\n{report['text']}"


def split_sentences(text: str) -> tuple[str, ...]:
    """`text` cut after every sentence end; joined again it is `text`."""
    return tuple(part for part in _SENTENCE_END.split(text) if part.strip())


def compare_key(text: str) -> str:
    """What two printings of one article have in common: its letters and digits."""
    return _NOT_WORDS.sub("", text)


def search_corpus(
    laws: list[TrainingPassage], questions: list[Question]
) -> tuple[list[TrainingPassage], dict[str, int]]:
    """The passages that questions are asked of, no article twice, and the position of each by `compare_key`.

    National articles first, then those answers that are printed differently there.
    """
    passages: list[TrainingPassage] = []
    positions: dict[str, int] = {}
    answers = (
        TrainingPassage(work, work, "", split_sentences(text), True)
        for question in questions
        for work, text in question.answers
    )
    for passage in (*(law for law in laws if law.is_national), *answers):
        key = compare_key(passage.text)
        if key not in positions:
            positions[key] = len(passages)
            passages.append(passage)
    return passages, positions


def law_documents(data_dir: Path, passages: list[TrainingPassage]) -> Iterator[tuple[str, str]]:
    """(file name, text) of the national laws as they are printed, but each article one paragraph; what of `passages`
    they lack follows, a document a law."""
    printed: set[str] = set()
    for number, law in enumerate(_read_lines(data_dir / "laws.jsonl.xz")):
        if "_index" not in law["path"] and not law["path"].startswith(_NOT_NATIONAL):
            paragraphs = list(_law_paragraphs(law["text"]))
            printed.update(article_key(paragraph) for paragraph in paragraphs)
            yield f"{number:04d}.txt", "\n\n".join([law["title"], *paragraphs])
    others: dict[str, list[str]] = {}
    for passage in passages:
        if compare_key(passage.text) not in printed:
            others.setdefault(passage.work, []).append(re.sub(r"\s+", "", passage.text))
    for number, (work, paragraphs) in enumerate(others.items()):
        yield f"other-{number:04d}.txt", "\n\n".join([work, *paragraphs])


def article_key(paragraph: str) -> str:
    """The `compare_key` of an article as a paragraph that may begin with its number."""
    return compare_key(_ARTICLE.sub("", fold(paragraph).strip()))


def _law_paragraphs(text: str) -> Iterator[str]:
    has_articles = any(_ARTICLE.match(line) for line in _body_lines(fold(text)))
    collected = ""
    for line in _body_lines(text):
        begins = line.startswith("#") or not has_articles or _ARTICLE.match(fold(line)) is not None
        if begins and collected:
            yield collected
            collected = ""
        if line.startswith("#"):
            yield line.lstrip("# ")
        else:
            collected += line
    if collected:
        yield collected


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _as_question(record: dict[str, Any]) -> Question:
    answers = []
    for name, text in record["positives"].items():
        named = _NAMED_ARTICLE.match(fold(name))
        answers.append((named.group(1) if named else fold(name), fold(text)))
    return Question(fold(record["query"]), tuple(answers))


def _split_law(title: str, text: str, is_national: bool) -> Iterator[TrainingPassage]:
    work = _VERSION.sub("", fold(title)).strip()
    subject = _REGION.sub("", work) if not is_national else work
    has_articles = any(_ARTICLE.match(line.strip()) for line in text.splitlines())
    heading, collected = "", list[str]()

    def finish() -> Iterator[TrainingPassage]:
        sentences = split_sentences("\n".join(collected))
        collected.clear()
        if sentences:
            yield TrainingPassage(work, subject, heading, sentences, is_national)

    for line in _body_lines(fold(text)):
        if line.startswith("#"):
            yield from finish()
            heading = _heading_words(line)
        elif (article := _ARTICLE.match(line)) or not has_articles:
            yield from finish()
            collected.append(line[article.end() :] if article else line)
        elif collected:
            collected.append(line)
    yield from finish()


def _body_lines(text: str) -> Iterator[str]:
    body = text.split("<!-- info end -->")[-1].split("<!-- INFO END -->")[-1]
    for line in body.splitlines():
        if (stripped := line.strip()) and not stripped.startswith(("---", "<!--", "bookcollapse")):
            yield stripped


def _heading_words(line: str) -> str:
    return re.sub(r"\s+", "", _HEADING_NUMBER.sub("", line.lstrip("# ")))
