"""What is asked for word for word comes first where it stands, and nothing like it where it does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embeddings import Collection, load_embedder, open_collection, read

NOTICE = """国务院办公厅关于加强燃气安全的通知
国办发〔2012〕14号
各省、自治区、直辖市人民政府：
为加强燃气安全，现通知如下：
一、加强灌装站检查。
二、加强管道巡查。
"""
CITING = """关于落实燃气安全工作的意见
市政办发〔2013〕14号
根据《国务院办公厅关于加强燃气安全的通知》（国办发〔2012〕14号）要求，提出以下意见。
一、各县区要在6月底前完成检查。
"""


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory, seed_files: list[Path]) -> Iterator[Collection]:
    collection = open_collection(tmp_path_factory.mktemp("literals"), "default", load_embedder())
    collection.add([read(path.read_bytes(), filename=path.name) for path in seed_files])
    collection.add([read(CITING.encode(), filename="意见.txt"), read(NOTICE.encode(), filename="通知.txt")])
    yield collection
    collection.close()


@pytest.mark.parametrize(
    "question",
    [
        "国办发〔2012〕14号",
        "国办发[2012]14号",
        "国 办 发（２０１２）１４ 号",
        "國辦發2012年14號",
        "请问国办发【2012】第14号文件",
    ],
)
def test_a_document_number_finds_its_document_and_then_what_cites_it(
    collection: Collection, question: str
) -> None:
    hits = collection.search(question)
    assert [hit.source.filename for hit in hits[:2]] == ["通知.txt", "意见.txt"]
    assert all("国办发〔2012〕14号" in hit.quote for hit in hits)


def test_what_is_asked_of_a_numbered_document_is_looked_for_in_it(collection: Collection) -> None:
    hits = collection.search("国办发〔2012〕14号对灌装站有什么要求")
    assert hits[0].quote == "一、加强灌装站检查。"
    assert {hit.source.filename for hit in hits} == {"通知.txt"}


@pytest.mark.parametrize(
    "question",
    [
        "国办发〔2012〕114号",
        "国办发〔2012〕15号",
        "国办发〔2013〕14号",
        "京国办发〔2012〕14号",
        "“百次检查不如五次执法”出自哪里",
        "《燃气管理条例》",
    ],
)
def test_what_stands_nowhere_has_no_answer_however_like_it_something_is(
    collection: Collection, question: str
) -> None:
    assert collection.search(question) == []


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("“百次检查不如一次执法”出自哪里", "“百次检查不如一次执法”"),
        ("「四项督查」", "“四项督查”"),
        ("1+2+N", "“1+2+N”"),
        ("１＋２＋ｎ模式", "“1+2+N”"),
        ("《生产安全事故隐患排查治理工作实施意见》", "《生产安全事故隐患排查治理工作实施意见》"),
        ("“一票否决”怎么落实", "“一票否决”"),
    ],
)
def test_the_very_words_come_first(collection: Collection, question: str, words: str) -> None:
    hits = collection.search(question)
    assert words in hits[0].quote
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_title_finds_the_document_that_has_it(collection: Collection) -> None:
    hits = collection.search("《国务院办公厅关于加强燃气安全的通知》")
    assert [hit.source.filename for hit in hits[:2]] == ["通知.txt", "意见.txt"]


def test_a_pasted_paragraph_may_cite_what_is_not_there(collection: Collection) -> None:
    citing = (
        "根据国办发〔2011〕99号文件，"
        + "各部门要严格执行24小时值班制度和事故信息报告制度，坚决杜绝空岗、漏岗、脱岗现象发生。" * 4
    )
    assert "24小时值班制度" in collection.search(citing)[0].quote


def test_a_pasted_paragraph_is_found_though_lightly_changed(
    collection: Collection, seed_files: list[Path]
) -> None:
    text = seed_files[0].read_text(encoding="utf-8")
    start = text.index("四要抓住重点行业领域")
    pasted = text[start : start + 800].replace("，", ",").replace("重点", "关键").replace("安全", "平安", 3)
    hit = collection.search(pasted)[0]
    assert hit.source.filename.startswith("000_")
    assert hit.passage_span.start == start
