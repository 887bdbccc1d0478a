"""Questions asked of a collection of the seeds: right sentences, true sources, and no answer where there is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embeddings import Collection, EmptyText, InvalidInput, TooLarge, load_embedder, open_collection, read

JUNK = ["复制链接", "跳转到", "使用道具", "ICP", "Discuz", "热搜", "QQ空间", "转载网络", "[领导讲话]", "回帖"]


def add_text(collection: Collection, text: str, name: str = "甲.txt") -> str:
    document = read(text.encode(), filename=name)
    collection.add([document])
    return document.id


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Collection]:
    collection = open_collection(tmp_path / "empty", "default", load_embedder())
    yield collection
    collection.close()


def test_a_word_that_ends_like_a_question_is_a_word(collection: Collection) -> None:
    assert "网吧" in collection.search("网吧")[0].quote


def test_the_requirements_for_gas_are_found_with_their_source(collection: Collection) -> None:
    hit = collection.search("燃气领域要求")[0]
    assert hit.quote.startswith("燃气领域，要落实好今天视频会的精神")
    assert hit.quote.endswith("增强公众的防范意识。")
    assert hit.source.filename.startswith("004_")
    assert hit.source.title == "区委副书记、区长亓伟在全区安全生产工作会上的讲话"
    assert hit.source.outline == ("三要聚焦重点领域，加大安全生产执法检查",)
    assert (hit.source.issuer, hit.source.date) == ("天桥区政府办公室", "2021-12-02")
    assert "燃气领域" in hit.why.matched_terms


@pytest.mark.parametrize(
    "question",
    [
        "燃气领域要求",
        "消防",
        "回复 复制链接 QQ空间 Discuz",
        "1+2+N",
        "安全生产" * 200,
        "（）“”：*?~^[]{}\\",
        "OR AND NOT 消防:",
    ],
)
def test_every_quote_is_a_slice_of_its_document_and_no_junk(collection: Collection, question: str) -> None:
    try:
        hits = collection.search(question, top_k=100, min_score=0)
    except EmptyText:
        assert not any(character.isalnum() for character in question)
        return
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        text = collection.document(hit.source.document_id).text
        assert hit.quote_span.of(text) == hit.quote
        assert hit.passage_span.of(text) == hit.passage
        assert hit.passage_span.start <= hit.quote_span.start < hit.quote_span.end <= hit.passage_span.end
        assert 0 <= hit.score <= 1
        assert not any(junk in hit.passage for junk in JUNK)


def test_a_passage_is_one_hit(collection: Collection) -> None:
    hits = collection.search("安全生产", top_k=100, min_score=0)
    places = [(hit.source.document_id, hit.passage_span) for hit in hits]
    assert len(places) == len(set(places)) > 10


@pytest.mark.parametrize("question", ["燃氣領域要求", "燃气领域有哪些要求呢？", "  燃气 领域，要求\n"])
def test_spellings_of_one_question_find_the_same(collection: Collection, question: str) -> None:
    assert collection.search(question)[0].quote.startswith("燃气领域，要落实好")


def test_full_width_letters_and_digits_find_half_width_ones(collection: Collection) -> None:
    assert "推行“1+2+N”的模式" in collection.search("１＋２＋Ｎ模式")[0].quote


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("防衞設施裏的隱患，應當爲羣衆説清。", "防卫设施里的隐患应当为群众说清"),
        ("防衛設施裡的隱患，應當為群眾說淸。", "防卫设施里的隐患应当为群众说清"),
        ("防卫设施里的隐患，应当为群众说清。", "防衞設施裡的隱患應當爲群眾說清"),
        ("ＬＰＧ鑛山敎育１０次。", "lpg矿山教育10次"),
    ],
)
def test_forms_of_a_character_are_one_and_the_quote_keeps_its_own(
    empty: Collection, written: str, asked: str
) -> None:
    add_text(empty, f"安全讲话\n{written}\n今天天气晴朗，大家心情都很好。")
    assert empty.search(asked)[0].quote == written


def test_simplified_questions_find_traditional_text(empty: Collection) -> None:
    add_text(empty, "會議紀要\n燃氣領域，要加強對灌裝站的檢查。\n消防領域，要防止火災。")
    assert empty.search("燃气灌装站检查")[0].quote == "燃氣領域，要加強對灌裝站的檢查。"


@pytest.mark.parametrize(
    "question", ["asdfgh", "红烧肉怎么做", "的了吗呢", "桂ICP备案号", "python怎么读取csv文件", "哈哈哈嘿嘿"]
)
def test_what_is_not_there_gets_no_hit(collection: Collection, question: str) -> None:
    assert collection.search(question) == []


@pytest.mark.parametrize("talk", ["在吗", "有人在吗？", "你好", "您好！", "谢谢", "好的"])
def test_talk_is_no_question(collection: Collection, talk: str) -> None:
    assert collection.search(talk, min_score=0.0) == []


def test_who_greets_first_gets_the_same_answer(collection: Collection) -> None:
    greeted, plain = collection.search("您好，燃气领域要求"), collection.search("燃气领域要求")
    assert [(hit.quote, hit.score) for hit in greeted] == [(hit.quote, hit.score) for hit in plain]


def test_a_single_short_document_answers_no_question_on_another_matter(
    empty: Collection, seed_files: list[Path]
) -> None:
    empty.add([read(seed_files[1].read_bytes(), filename=seed_files[1].name)])
    assert empty.search("孩子发烧吃什么药") == empty.search("唐诗三百首") == []
    assert empty.search("双随机检查")[0].score > 0.5


def test_a_document_that_the_question_names_comes_first(empty: Collection) -> None:
    for name in ("消防条例", "燃气条例", "供热条例"):
        add_text(empty, f"{name}\n第一条 单位应当每年组织一次安全检查，并把结果报告主管部门。", f"{name}.txt")
    assert empty.search("燃气条例的安全检查")[0].source.title == "燃气条例"


def test_min_score_replaces_the_threshold(collection: Collection) -> None:
    assert collection.search("红烧肉怎么做", min_score=0)
    assert collection.search("燃气领域要求", min_score=1) == []


def test_a_question_in_a_text_takes_its_answer_along(collection: Collection) -> None:
    quote = collection.search("麻痹和侥幸心理从哪里来")[0].quote
    assert quote.endswith("因为安全生产事故发生的概率低。")


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("厨房煤气怎么管", "燃气"),
        ("马路上超速", "道路交通"),
        ("鞭炮零售", "烟花爆竹零售"),
        ("大学寝室归哪个把关", "集体宿舍"),
    ],
)
def test_everyday_words_find_the_official_ones(collection: Collection, question: str, words: str) -> None:
    assert words in collection.search(question)[0].quote


def test_a_label_takes_the_sentence_after_it_along(collection: Collection) -> None:
    quote = collection.search("第五项议程")[0].quote
    assert quote == "下面，进行第五项议程。请*同志部署全区安全生产工作。"


@pytest.mark.parametrize(
    ("query", "error"), [("", EmptyText), (" \n", EmptyText), ("？！", EmptyText), ("燃" * 2001, TooLarge)]
)
def test_a_query_that_cannot_be_asked_is_refused(
    collection: Collection, query: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        collection.search(query)


@pytest.mark.parametrize("top_k", [0, -1, 101])
def test_top_k_out_of_range_is_refused(collection: Collection, top_k: int) -> None:
    with pytest.raises(InvalidInput, match="top_k"):
        collection.search("燃气", top_k=top_k)


def test_an_empty_collection_answers_nothing(empty: Collection) -> None:
    assert empty.search("燃气领域要求") == []


def test_adding_again_changes_nothing_and_removing_removes(empty: Collection) -> None:
    document = read("燃气要求\n燃气要安全检查。".encode(), filename="甲.txt")
    assert empty.add([document, document]) == [document]
    assert empty.add([document]) == []
    assert empty.search("燃气安全检查")
    empty.remove([document.id])
    assert empty.search("燃气安全检查", min_score=0) == []


def test_what_was_added_is_there_after_opening_again(tmp_path: Path) -> None:
    first = open_collection(tmp_path, "default", load_embedder())
    add_text(first, "燃气要求\n燃气要安全检查。")
    first.close()
    again = open_collection(tmp_path, "default", load_embedder())
    assert again.search("燃气安全检查")[0].quote == "燃气要安全检查。"
    again.close()
