"""A term that a question wants defined is found where a document defines it, in the forms that documents use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embeddings import Collection, Condition, load_embedder, open_collection, read
from embeddings.definitions import defining, read_defined
from embeddings.terms import fold

REGULATION = """某市燃气管理条例
第一条 为了加强燃气管理，保障燃气安全，制定本条例。
第二条 燃气的规划、建设、经营、使用和燃气设施保护，适用本条例。
第三条 燃气经营企业应当对燃气用户的燃气设施进行安全检查，燃气用户应当配合。
第四条 管道燃气是指通过管道供应的气体。燃气用户（以下简称用户）应当安全用气。
第五条 禁止在燃气设施保护范围内动火，禁止违章指挥、违章作业、违反劳动纪律。
（三）违反第五条规定的，由燃气管理部门责令改正，处五千元罚款。
第六条 本条例所称燃气，是指作为燃料使用并符合一定要求的气体燃料。
第七条 燃气管理的具体办法由市人民政府制定。
"""
SPEECH = """在全区安全生产工作会上的讲话
同志们：
安全生产工作十分重要，要把安全生产责任落实到每一个岗位。
要认真履行“三管三必须”（管行业必须管安全、管业务必须管安全、管生产经营必须管安全）。
控风险，就是要把隐患消灭在萌芽状态。
"""


@pytest.mark.parametrize(
    ("question", "term"),
    [
        ("什么是重大危险源？", "重大危险源"),
        ("请问什么叫接诉即办", "接诉即办"),
        ("重大危险源是指什么", "重大危险源"),
        ("从业人员指的是谁", "从业人员"),
        ("突发事件的含义", "突发事件"),
        ("单用途预付卡 定义", "单用途预付卡"),
        ("绿色建筑到底是个啥意思", "绿色建筑"),
        ("法律上说的医疗纠纷指什么", "医疗纠纷"),
        ("请问“旅游资源”在法规中如何界定", "旅游资源"),
        ("西部“两基”攻坚里的“两基”什么意思", "两基"),
        ("三管三必须具体指什么", "三管三必须"),
        ("你是谁", None),
        ("燃气领域要求", None),
        ("什么是燃气，谁来管", None),
        ("怎么办理燃气经营许可", None),
        ("什么是" + "很" * 100, None),
    ],
)
def test_the_term_that_is_to_be_defined_is_read(question: str, term: str | None) -> None:
    assert read_defined(fold(question)) == term


@pytest.mark.parametrize(
    ("text", "defines"),
    [
        ("本条例所称燃气，是指作为燃料使用的气体。", True),
        ("前款所称的“燃气”是指天然气。", True),
        ("（一）燃气：指天然气、液化石油气；", True),
        ("燃气（含液化石油气），系指气体燃料。", True),
        ("燃气是用于供热、发电的可燃气体和设施，是一种物质。", False),
        ("燃气是作为燃料使用的物质。", True),
        ("天然气和人工煤气（以下统称燃气）的使用", True),
        ("管道燃气，是指通过管道供应的气体。", False),
        ("燃气指挥中心负责调度。", False),
        ("燃气是指什么？", False),
    ],
)
def test_a_definition_is_told_from_what_only_looks_like_one(text: str, defines: bool) -> None:
    assert bool(defining("燃气").search(fold(text))) is defines


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory, seed_files: list[Path]) -> Iterator[Collection]:
    collection = open_collection(tmp_path_factory.mktemp("definitions"), "default", load_embedder())
    collection.add([read(path.read_bytes(), filename=path.name) for path in seed_files])
    collection.add(
        [read(REGULATION.encode(), filename="条例.txt"), read(SPEECH.encode(), filename="讲话.txt")]
    )
    yield collection
    collection.close()


@pytest.mark.parametrize(
    ("question", "begins"),
    [
        ("什么是燃气", "第六条 本条例所称燃气，是指"),
        ("燃气的定义", "第六条 本条例所称燃气，是指"),
        ("管道燃气是什么", "第四条 管道燃气是指"),
        ("什么叫控风险", "控风险，就是要"),
    ],
)
def test_what_defines_a_term_comes_first(collection: Collection, question: str, begins: str) -> None:
    first, *others = collection.search(question)
    assert first.quote.startswith(begins)
    assert first.score >= max([0.9, *(hit.score for hit in others)])


def test_who_only_names_a_term_gets_first_what_says_plainly_what_it_is(collection: Collection) -> None:
    first, second, *_ = collection.search("燃气", min_score=0)
    assert first.quote.startswith("第六条 本条例所称燃气，是指")
    assert first.score == second.score
    assert collection.search("燃气", min_score=first.score + 0.01) == []
    assert "燃气用户" in collection.search("燃气用户")[0].quote
    newest = collection.search("燃气", min_score=0, newest_first=True)
    assert [hit.quote for hit in newest[:1]] != [first.quote]


def test_a_definition_may_stand_in_brackets(collection: Collection) -> None:
    assert "（管行业必须管安全" in collection.search("三管三必须是什么意思")[0].quote


def test_a_filter_holds_for_definitions(collection: Collection) -> None:
    speeches = Condition("title", "contains", ("讲话",))
    hits = collection.search("什么是燃气", filter=speeches, min_score=0)
    assert hits and all("是指" not in hit.quote for hit in hits)


def test_letters_on_both_sides_of_the_number_of_an_item_are_no_quotation(collection: Collection) -> None:
    assert all(not hit.quote.startswith("（三）违反") for hit in collection.search("“三违”是什么"))
