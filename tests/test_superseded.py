"""Wording that the library shows to be out of date, in the cases that are easily told falsely."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from embeddings import Collection, load_embedder, open_collection, read

SPAN = "餐厨垃圾应当自产生之时起二十四小时内交由取得许可的单位收集，不得倒入下水道"
OLD_SPAN = SPAN.replace("二十四", "四十八")
OLD = f"海东市餐厨垃圾管理办法\n第一条 本办法适用于本市。\n第六条 {OLD_SPAN}。"
NEW = f"海东市餐厨垃圾管理办法\n第一条 本办法适用于全市。\n第八条 {SPAN}。"
ELSEWHERE = f"云岭县环境卫生守则\n第三条 {OLD_SPAN}。"
TITLE = "海东市船闸收费规定"
REPEAL = (
    f"海东市航道条例\n第五十条 1998年发布的《{TITLE}》（海政〔1998〕7号）、《海东市拖轮管理规则》同时废止。"
)
POWER = f"海东市立法程序规定\n第九条 市政府可以依照权限修改或者废止《{TITLE}》等规章。"


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    with closing(open_collection(tmp_path, "default", load_embedder())) as collection:
        yield collection


def add(collection: Collection, *texts: str) -> None:
    """Documents filed under their titles, or under the name before “|”."""
    for text in texts:
        name, _, body = text.rpartition("|")
        collection.add([read(body.encode(), filename=f"{name or body.split(chr(10))[0]}.txt")])


def warnings(collection: Collection, draft: str) -> list[str]:
    found = collection.similar(draft).superseded
    for one in found:
        assert one.source_text == one.source_span.of(collection.document(one.source.document_id).text) != ""
    return [one.source.filename for one in found]


def test_a_number_that_was_changed_is_enough(collection: Collection) -> None:
    add(collection, f"餐厨(2012-05-01)|{OLD}", f"餐厨(2023-05-01)|{NEW}")
    assert warnings(collection, f"重申：{OLD_SPAN}。") == ["餐厨(2023-05-01).txt"]
    assert warnings(collection, f"重申：{SPAN}。") == []


def test_old_words_that_a_document_in_force_says_too_are_not_told(collection: Collection) -> None:
    add(collection, f"餐厨(2012-05-01)|{OLD}", f"餐厨(2023-05-01)|{NEW}", ELSEWHERE)
    assert warnings(collection, f"重申：{OLD_SPAN}。") == []


def test_words_that_both_versions_have_are_not_told(collection: Collection) -> None:
    kept = "居民应当将厨余沥干水分后投入绿色容器，投放点由物业服务企业每日清运两次"
    add(collection, f"餐厨(2012-05-01)|{OLD}{kept}。", f"餐厨(2023-05-01)|{NEW}{kept}。")
    assert warnings(collection, f"要求：{kept}。") == []


@pytest.mark.parametrize("title", [TITLE, "海东市拖轮管理规则"])
def test_every_title_of_a_repeal_is_told(collection: Collection, title: str) -> None:
    add(collection, REPEAL)
    assert warnings(collection, f"根据《{title}》的规定，现作如下安排。") == ["海东市航道条例.txt"]


def test_a_power_to_repeal_is_no_repeal(collection: Collection) -> None:
    add(collection, POWER)
    assert warnings(collection, f"根据《{TITLE}》的规定，现作如下安排。") == []


def test_a_draft_that_knows_of_the_repeal_is_not_warned(collection: Collection) -> None:
    add(collection, REPEAL)
    assert warnings(collection, f"《{TITLE}》已经废止，不再执行。") == []


def test_a_title_that_was_issued_again_after_its_repeal_is_in_force(collection: Collection) -> None:
    add(collection, f"航道(2005-01-01)|{REPEAL}", f"船闸(2019-01-01)|{TITLE}\n第一条 船闸收费每年公布一次。")
    assert warnings(collection, f"根据《{TITLE}》的规定，现作如下安排。") == []


def test_a_version_on_trial_is_ended_by_the_one_of_its_name(collection: Collection) -> None:
    add(collection, "海东市考勤规定\n第七条 《海东市考勤规定（试行）》同时废止。")
    assert warnings(collection, "根据《海东市考勤规定（试行）》，现作如下安排。") == ["海东市考勤规定.txt"]
    assert warnings(collection, "根据《海东市考勤规定》，现作如下安排。") == []


def test_excluded_documents_warn_of_nothing(collection: Collection) -> None:
    document = read(REPEAL.encode(), filename="航道.txt")
    collection.add([document])
    draft = f"根据《{TITLE}》的规定，现作如下安排。"
    assert len(collection.similar(draft).superseded) == 1
    assert collection.similar(draft, exclude_documents=[document.id]).superseded == ()


@pytest.mark.parametrize(
    ("notice", "old", "new"),
    [
        ("组建市生态环境局，作为市政府组成部门，不再保留市环境保护局、市核应急办公室。", "市核应急办公室", "市生态环境局"),
        ("每年一次的全市金融工作会议改称市委金融工作会议。", "全市金融工作会议", "市委金融工作会议"),
        ("市旅游局和市广电局合并组建市文化和旅游局。", "市广电局", "市文化和旅游局"),
        ("省政府同意撤销云山县，设立县级云山市。", "云山县", "云山市"),
        ("全市改革领导小组改为市委全面改革委员会。", "全市改革领导小组", "市委全面改革委员会"),
    ],
)  # fmt: skip
def test_names_are_read_from_what_notices_say(
    collection: Collection, notice: str, old: str, new: str
) -> None:
    add(collection, f"关于机构改革的通知\n{notice}")
    (warning,) = collection.similar(f"请{old}牵头，月底前报送进展。").superseded
    assert (warning.draft_span.of(f"请{old}"), new in warning.reason) == (old, True)
    assert warnings(collection, f"请{new}牵头，月底前报送进展。") == []


@pytest.mark.parametrize(
    "words",
    ["住宅用途改为商业用途的，报市规划局批准。", "两个科室合并为一个办公室办公，由市财政局保障经费。"],
)
def test_what_is_no_name_was_not_renamed(collection: Collection, words: str) -> None:
    add(collection, f"有关事项的说明\n{words}")
    assert warnings(collection, words) == []
