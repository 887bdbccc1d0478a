"""Regions that questions and documents name, and what has nothing to do with them."""

import pytest

from embeddings import Collection, load_embedder, open_collection, read
from embeddings.regions import find_regions, overlap


@pytest.mark.parametrize(
    ("text", "regions"),
    [
        ("洛阳遛狗绳最长多少", {"洛阳"}),
        ("陕西安全生产条例", {"陕西"}),
        ("日照时间、推广安全技术、入海口", set()),
        ("日照市的海岸带", {"日照市"}),
        ("内蒙古和呼和浩特", {"内蒙古", "呼和浩特"}),
        ("燃气领域要求", set()),
    ],
)
def test_names_are_found_and_words_that_look_like_them_are_not(text: str, regions: set[str]) -> None:
    assert find_regions(text) == regions


def test_a_city_and_its_province_overlap_and_two_cities_do_not() -> None:
    assert overlap({"烟台"}, {"山东"})
    assert overlap({"山东"}, {"烟台"})
    assert not overlap({"烟台"}, {"青岛"})
    assert overlap({"成都", "重庆"}, {"重庆"})
    assert not overlap(set(), {"重庆"})


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    text = "山东省燃气管理条例\n\n第一条 燃气经营者应当每两年免费入户安检一次。\n\n第二条 自2021年起对乡镇燃气实行安检。"
    opened = open_collection(tmp_path_factory.mktemp("regions"), "laws", load_embedder())
    opened.add([read(text.encode(), filename="law.txt")])
    return opened


def _score(collection: Collection, question: str) -> float:
    return collection.search(question, min_score=0.0)[0].score


def test_of_another_region_or_year_a_hit_is_less_sure(collection: Collection) -> None:
    of_it, of_its_city = (_score(collection, f"{region}燃气几年入户安检一次") for region in ("山东", "烟台"))
    elsewhere = _score(collection, "四川燃气几年入户安检一次")
    assert elsewhere < of_its_city <= of_it
    there, not_there = (_score(collection, f"{year}年燃气安检规定") for year in (2021, 2013))
    assert not_there < there
