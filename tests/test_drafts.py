"""The draft check on small libraries: what is copied, reworded, set phrase, outdated, left unfilled."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embeddings import (
    Collection,
    DocumentNotFound,
    EmptyText,
    InvalidInput,
    TooLarge,
    load_embedder,
    open_collection,
    read,
)
from embeddings.drafts import MAX_DRAFT_CHARS, DraftReport, Match
from embeddings.letters import read_letters

GRANARY = (
    "粮食收购工作的通知\n各粮库要在九月底以前腾出仓容，备足麻袋和篷布，逐仓检查虫害，做到敞开收购、随到随收。"
)
SCHOOL = "学校食堂检查通报\n秋季开学以来抽查的四十二所食堂当中，有七所没有留样记录，三所的冷藏柜温度高于规定，已经责令限期改正并且公开曝光。"
GAS_2015 = (
    "海东市燃气管理办法（2015年）\n第一条 为了加强燃气管理，制定本办法。\n"
    "第九条 瓶装燃气经营者应当每两年对居民用户的燃气设施进行一次入户安全检查，并且建立检查档案。"
)
GAS_2022 = (
    "海东市燃气管理办法（2022年修订）\n第一条 为了加强燃气管理，制定本办法。\n"
    "第九条 瓶装燃气经营者应当每年对居民用户的燃气设施进行不少于一次的入户安全检查，检查结果录入信息平台。"
)
REPEALING = "海东市河道管理条例\n第四十条 本条例自2020年1月1日起施行。2004年发布的《海东市采砂管理暂行规定》同时废止。"
RENAMING = "关于机构改革的通知\n市经济贸易局更名为市商务局，原有职责不变。"
PHRASE = "坚持党政同责一岗双责齐抓共管失职追责"
SPEECHES = [
    f"{topic}工作会议上的讲话\n今年以来，全市{topic}工作{result}。各级各部门要{PHRASE}，把{task}抓紧抓好。"
    for topic, result, task in (
        ("森林防火", "连续二百天没有发生火情", "林区清明祭扫的火源管控"),
        ("特种设备", "检验了电梯一千三百台", "老旧电梯更换钢丝绳这件事"),
        ("水上交通", "查扣无证渔船十六条", "渡口救生衣配备不齐的毛病"),
        ("烟花爆竹", "取缔了四处黑作坊", "零售点与学校之间的距离复核"),
    )
]
LIBRARY = [GRANARY, SCHOOL, GAS_2015, GAS_2022, REPEALING, RENAMING, *SPEECHES]
GRANARY_SENTENCE = GRANARY.split("\n")[1]


def add(collection: Collection, *texts: str) -> list[str]:
    documents = [read(text.encode(), filename=f"{text.split(chr(10))[0]}.txt") for text in texts]
    collection.add(documents)
    return [document.id for document in documents]


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    collection = open_collection(tmp_path_factory.mktemp("drafts"), "default", load_embedder())
    add(collection, *LIBRARY)
    yield collection
    collection.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Collection]:
    collection = open_collection(tmp_path, "default", load_embedder())
    yield collection
    collection.close()


def check(collection: Collection, draft: str, **options: object) -> DraftReport:
    """The report, after every span in it has been held against both texts."""
    report = collection.similar(draft, **options)  # type: ignore[arg-type]
    assert 0 <= report.originality <= 1
    for paragraph in report.paragraphs:
        for match in paragraph.matches:
            text = collection.document(match.source.document_id).text
            assert text[match.source_span.start : match.source_span.end] == match.source_text
            assert paragraph.span.start <= match.draft_span.start < match.draft_span.end <= paragraph.span.end
            assert 0 <= match.score <= 1
            if match.kind == "verbatim":
                assert letters(match.draft_span.of(draft)) == letters(match.source_text)
            for change in match.changes:
                assert change.draft_span.of(draft) == change.draft
                assert change.source_span.of(text) == change.source
    return report


def letters(text: str) -> list[int]:
    return [int(code) for code in read_letters(text).codes]


def matches(report: DraftReport, *kinds: str) -> list[Match]:
    return [match for p in report.paragraphs for match in p.matches if match.kind in kinds]


def test_a_copied_sentence_is_found_with_its_bounds_and_source(collection: Collection) -> None:
    draft = f"秋收马上开始了。{GRANARY_SENTENCE}大家辛苦了。"
    (match,) = matches(check(collection, draft), "verbatim", "rewritten")
    assert match.kind == "verbatim"
    assert match.draft_span.of(draft) == GRANARY_SENTENCE
    assert match.source_text == GRANARY_SENTENCE
    assert (match.source.title, match.source.paragraph) == ("粮食收购工作的通知", 2)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("，", ",").replace("、", " "),
        lambda text: text[:20] + "\n" + text[20:],
        lambda text: "\u3000".join(text),
        lambda text: text.replace("粮库", "糧庫").replace("检查虫害", "檢查蟲害"),
        lambda text: "“" + text + "”",
    ],
    ids=["punctuation", "line break", "spaced out", "traditional", "quoted"],
)
def test_signs_spaces_breaks_and_old_characters_do_not_hide_a_copy(
    collection: Collection, change: object
) -> None:
    draft = change(GRANARY_SENTENCE)  # type: ignore[operator]
    report = check(collection, draft)
    found = matches(report, "verbatim")
    assert {match.source.title for match in found} == {"粮食收购工作的通知"}
    assert sum(m.draft_span.end - m.draft_span.start for m in found) >= len(draft) - 3
    assert report.originality == 0


def test_changed_numbers_names_and_words_are_shown_as_such(collection: Collection) -> None:
    draft = SCHOOL.split("\n")[1].replace("四十二", "36").replace("三所", "五所").replace("责令", "要求")
    (match,) = matches(check(collection, draft), "rewritten")
    assert [(change.kind, change.draft, change.source) for change in match.changes] == [
        ("number", "36", "四十二"),
        ("number", "五", "三"),
        ("wording", "要求", "责令"),
    ]


def test_left_out_and_added_words_are_shown(collection: Collection) -> None:
    draft = GRANARY_SENTENCE.replace("备足麻袋和篷布，", "").replace("敞开收购", "全天敞开收购")
    (match,) = matches(check(collection, draft), "rewritten")
    assert {(change.kind, change.draft, change.source) for change in match.changes} == {
        ("left_out", "", "备足麻袋和篷布"),
        ("added", "全天", ""),
    }


def test_a_date_and_a_place_that_were_exchanged_have_their_kinds(empty: Collection) -> None:
    add(
        empty,
        "会议纪要\n2023年5月6日，红山县在县委党校举办了全县档案员业务培训，共有一百二十人参加了结业考试。",
    )
    draft = "2024年5月6日，青川县在县委党校举办了全县档案员业务培训，共有一百二十人参加了结业考试。"
    (match,) = matches(check(empty, draft), "rewritten")
    assert [(c.kind, c.draft, c.source) for c in match.changes] == [
        ("date", "2024", "2023"),
        ("name", "青川", "红山"),
    ]


def test_clauses_in_another_order_are_one_rewritten_match_with_all_of_them(collection: Collection) -> None:
    one, other = (
        "抽查的四十二所食堂当中有七所没有留样记录，",
        "三所的冷藏柜温度高于规定，已经责令限期改正并且公开曝光，",
    )
    draft = f"通报如下。{other}{one}"
    (match,) = matches(check(collection, draft), "rewritten", "verbatim")
    assert (match.kind, match.source.title) == ("rewritten", "学校食堂检查通报")
    assert match.draft_span.of(draft).strip("，") == f"{other}{one}".strip("，")
    assert [change.kind for change in match.changes] == ["order"]


def test_a_change_near_the_end_does_not_end_the_match(collection: Collection) -> None:
    draft = GRANARY_SENTENCE.replace("随到随收", "马上随到随收").replace("各粮库要在", "各粮库须要在")
    (match,) = matches(check(collection, draft), "rewritten")
    assert match.draft_span.of(draft) == draft
    assert {change.draft for change in match.changes} == {"马上", "须"}


def test_a_few_words_in_common_are_no_copy(collection: Collection) -> None:
    draft = "抽查的三十所幼儿园当中，有两所没有留样台账，四所的冷藏设备温度正常。"
    assert check(collection, draft).originality == 1


def test_what_several_unrelated_documents_say_is_boilerplate_and_not_counted(collection: Collection) -> None:
    draft = f"下一步，各乡镇要{PHRASE}，管好自家的水窖。"
    report = check(collection, draft)
    (found,) = report.boilerplate
    assert PHRASE in found.draft_span.of(draft)
    assert found.documents == 4
    assert matches(report, "verbatim", "rewritten") == []
    assert report.originality == 1


def test_versions_of_one_document_count_as_one(empty: Collection) -> None:
    paragraphs = "".join(
        f"第{n}条 水库管理单位应当在每年第{n}季度对{place}进行巡查，发现渗漏、裂缝的，及时报告并处理。\n"
        for n, place in enumerate(("大坝", "溢洪道", "闸门", "观测井", "防汛道路", "启闭机房"), start=1)
    )
    add(
        empty,
        *(
            f"水库管理规定（{year}年修订）\n{paragraphs}第七条 自{year}年起施行。"
            for year in (2001, 2007, 2013, 2020)
        ),
    )
    report = check(empty, "水库管理单位应当在每年第3季度对闸门进行巡查，发现渗漏、裂缝的，及时报告并处理。")
    assert report.boilerplate == ()
    assert report.originality == 0


def test_set_phrases_can_be_added(collection: Collection) -> None:
    phrase = "腾出仓容，备足麻袋和篷布，逐仓检查虫害"
    report = check(collection, GRANARY_SENTENCE, phrases=[phrase])
    assert [(one.draft_span.of(GRANARY_SENTENCE), one.documents) for one in report.boilerplate] == [
        (phrase, 0)
    ]
    assert 0 < report.originality < 1


def test_the_same_matter_in_other_words_is_related(collection: Collection) -> None:
    draft = "粮站应当赶在九月之前把仓库空出来，准备好装粮的口袋，检查有没有虫子，农民送来就收。"
    report = check(collection, draft)
    first = report.paragraphs[0].matches[0]
    assert (first.kind, first.source.title) == ("related", "粮食收购工作的通知")
    assert report.originality == 1


def test_a_draft_of_other_matters_has_copied_nothing(collection: Collection) -> None:
    report = check(collection, "图书馆周六延长开放两个小时，儿童阅览室增设三十个座位，借阅期由三周改为四周。")
    assert matches(report, "verbatim", "rewritten") == []
    assert report.documents == ()


def test_documents_are_ranked_by_what_was_taken_from_them(collection: Collection) -> None:
    draft = f"{SCHOOL.split(chr(10))[1][:30]}。\n{GRANARY_SENTENCE}"
    report = check(collection, draft)
    assert [document.title for document in report.documents] == ["粮食收购工作的通知", "学校食堂检查通报"]
    assert report.documents[0].characters == len(letters(GRANARY_SENTENCE))
    total = sum(document.share for document in report.documents)
    assert total == pytest.approx(1 - report.originality)


def test_a_copy_over_two_paragraphs_is_told_in_each(collection: Collection) -> None:
    draft = "\n".join(GAS_2022.split("\n")[1:])
    report = check(collection, draft)
    assert all(any(m.kind == "verbatim" for m in p.matches) for p in report.paragraphs[1:])


def test_an_older_version_that_was_quoted_is_told(collection: Collection) -> None:
    draft = "瓶装燃气经营者应当每两年对居民用户的燃气设施进行一次入户安全检查，并且建立检查档案。"
    (warning,) = check(collection, draft).superseded
    assert "2022" in warning.reason
    assert warning.source.title == "海东市燃气管理办法（2022年修订）"
    text = collection.document(warning.source.document_id).text
    assert "每年对居民用户" in warning.source_span.of(text)


def test_the_newest_version_that_was_quoted_is_not_warned_of(collection: Collection) -> None:
    assert check(collection, GAS_2022.split("\n")[2]).superseded == ()


def test_a_repealed_document_that_is_cited_is_told_with_its_place(collection: Collection) -> None:
    draft = "根据《海东市采砂管理暂行规定》，现就河道采砂许可作如下安排。"
    (warning,) = check(collection, draft).superseded
    assert warning.draft_span.of(draft) == "《海东市采砂管理暂行规定》"
    assert warning.source.title == "海东市河道管理条例"
    assert "废止" in warning.source_span.of(collection.document(warning.source.document_id).text)


def test_an_old_name_is_told_and_one_marked_as_old_is_not(collection: Collection) -> None:
    (warning,) = check(collection, "请市经济贸易局牵头落实。").superseded
    assert "市商务局" in warning.reason
    assert check(collection, "请市商务局（原市经济贸易局）牵头落实。").superseded == ()


def test_what_a_draft_says_twice_is_told(collection: Collection) -> None:
    sentence = "县档案馆今年完成了三万卷民国档案的修复工作"
    draft = f"{sentence}。另有其他事项若干。{sentence}，特此报告。"
    (repetition,) = check(collection, draft).repetitions
    assert repetition.first.of(draft) == repetition.again.of(draft) == sentence


def test_a_document_of_the_library_is_checked_against_the_others(collection: Collection) -> None:
    (old,) = [d.id for d in collection.list_documents()[0] if d.title.endswith("（2015年）")]
    report = collection.similar_to(old)
    assert {document.title for document in report.documents} == {"海东市燃气管理办法（2022年修订）"}


def test_excluded_documents_are_not_told_of(collection: Collection) -> None:
    (granary,) = [d.id for d in collection.list_documents()[0] if d.title == "粮食收购工作的通知"]
    report = check(collection, GRANARY_SENTENCE, exclude_documents=[granary])
    assert all(m.source.document_id != granary for p in report.paragraphs for m in p.matches)
    with pytest.raises(DocumentNotFound):
        collection.similar(GRANARY_SENTENCE, exclude_documents=["nothing"])


def test_added_documents_are_found_at_once_and_removed_ones_no_more(empty: Collection) -> None:
    assert check(empty, GRANARY_SENTENCE).originality == 1
    (id,) = add(empty, GRANARY)
    assert check(empty, GRANARY_SENTENCE).originality == 0
    empty.remove([id])
    assert check(empty, GRANARY_SENTENCE).originality == 1


@pytest.mark.parametrize("draft", ["", " \n\t", "。，、……！", "***\n———"])
def test_a_draft_without_letters_is_refused(collection: Collection, draft: str) -> None:
    with pytest.raises(EmptyText):
        collection.similar(draft)


def test_a_draft_that_is_too_long_is_refused_with_the_limit(collection: Collection) -> None:
    with pytest.raises(TooLarge, match=f"{MAX_DRAFT_CHARS:,}"):
        collection.similar("粮" * (MAX_DRAFT_CHARS + 1))


@pytest.mark.parametrize("top_k", [0, 101])
def test_top_k_has_limits(collection: Collection, top_k: int) -> None:
    with pytest.raises(InvalidInput):
        collection.similar(GRANARY_SENTENCE, top_k=top_k)


@pytest.mark.parametrize(
    "draft",
    [
        "a" * MAX_DRAFT_CHARS,
        "安全" * (MAX_DRAFT_CHARS // 2),
        PHRASE * (MAX_DRAFT_CHARS // len(PHRASE)),
        GRANARY_SENTENCE * (MAX_DRAFT_CHARS // len(GRANARY_SENTENCE)),
        "*" * 100_000 + "字",
        "…\n" * 90_000 + "字",
        "《" * 50_000 + "字" * 50_000 + "》" * 50_000,
        "\x00\x07\ud800\u202e字\ufeff" * 20_000,
        " " * 199_999 + "字",
        "一\n" * 100_000,
    ],
    ids=["a", "pair", "phrase", "sentence", "stars", "dots", "brackets", "control", "blank", "lines"],
)
def test_hostile_drafts_take_bounded_time(collection: Collection, draft: str) -> None:
    draft = draft[: MAX_DRAFT_CHARS - 1] + "字"
    started = time.perf_counter()
    collection.similar(draft)
    assert time.perf_counter() - started < 20


def test_documents_that_share_text_are_paired(collection: Collection) -> None:
    add(collection, GRANARY + "\n特此通知，请遵照执行，不得有误。")
    pair = collection.shared_text()[0]
    titles = {collection.document(id).title for id in (pair.one, pair.other)}
    assert titles == {"粮食收购工作的通知"}


def test_the_set_phrases_of_a_library_can_be_listed(collection: Collection) -> None:
    phrases = {phrase.letters: phrase.documents for phrase in collection.set_phrases(min_documents=4)}
    assert any(PHRASE in letters and count == 4 for letters, count in phrases.items())
