"""How sure a hit is, by what is known of it and by the size of the library it was found in."""

import numpy as np
import pytest

from embeddings.answer_types import ANSWER_TYPES
from embeddings.embedder import load_builtin
from embeddings.ranking import look_again
from embeddings.weights import (
    Absence,
    Confidence,
    Features,
    First,
    Logistic,
    Missing,
    absence_share,
    largeness,
    load_weights,
)

NONE = Features(*[0.0] * len(Features._fields))
ALONE = First(lead=0.0, met=0.0, asked=0.0, other_year=0.0, other_region=0.0)
NOTHING = Missing((), ())
NO_TYPES = dict.fromkeys(ANSWER_TYPES, 0.0)
AHEAD = ALONE._replace(lead=1.0)
CONFIDENCE = Confidence(
    small=Logistic(bias=2.0, features=NONE, first=AHEAD, types=NO_TYPES | {"phone": -2.0}),
    large=Logistic(bias=-1.0, features=NONE, first=AHEAD._replace(lead=3.0), types=NO_TYPES),
    absence=Absence(-load_builtin().directions_of(["电梯"])[0].astype(np.float64)),
)


@pytest.mark.parametrize(("segments", "logit"), [(1, 1.0), (180, 1.0), (128_678, -4.0), (5_000_000, -4.0)])
def test_small_and_large_libraries_have_weights_of_their_own(segments: int, logit: float) -> None:
    assert CONFIDENCE.logit(NONE, ALONE._replace(lead=-1.0), NOTHING, segments) == pytest.approx(logit)


def test_a_library_between_them_is_as_far_between_as_the_logarithm_of_its_size() -> None:
    middle = round((180 * 128_678) ** 0.5)
    assert largeness(middle) == pytest.approx(0.5, abs=1e-3)
    assert CONFIDENCE.logit(NONE, ALONE._replace(lead=-1.0), NOTHING, middle) == pytest.approx(-1.5, abs=1e-2)


@pytest.mark.parametrize("segments", [180, 4_800, 128_678])
def test_what_speaks_for_a_hit_never_makes_it_less_sure(segments: int) -> None:
    confidence = load_weights().confidence
    before = confidence.logit(NONE, ALONE, NOTHING, segments)
    for name in ("lexical", "coverage", "evidence", "similarity", "topic"):
        assert confidence.logit(NONE._replace(**{name: 1.0}), ALONE, NOTHING, segments) >= before, name
    for name in ("elsewhere", "missing_numbers", "lacks", "behind"):
        assert confidence.logit(NONE._replace(**{name: 1.0}), ALONE, NOTHING, segments) <= before, name
    for name in ("lead", "met", "asked"):
        assert confidence.logit(NONE, ALONE._replace(**{name: 1.0}), NOTHING, segments) >= before, name
    for name in ("other_year", "other_region"):
        assert confidence.logit(NONE, ALONE._replace(**{name: 1.0}), NOTHING, segments) <= before, name
    for name in ANSWER_TYPES:
        assert confidence.logit(NONE, ALONE, Missing((), (name,)), segments) <= before, name


def test_each_type_of_answer_that_is_missed_has_a_weight_of_its_own() -> None:
    said = [
        CONFIDENCE.logit(NONE, ALONE, Missing((), types), 180) for types in ((), ("phone",), ("phone", "age"))
    ]
    assert said == [2.0, 0.0, 0.0]


def test_an_absent_word_says_as_much_as_its_direction_and_half_of_it_in_a_large_library() -> None:
    present, absent = (CONFIDENCE.logit(NONE, ALONE, Missing(words, ()), 180) for words in ([], ["电梯"]))
    assert absent - present == pytest.approx(-1, abs=1e-3)
    assert absence_share(180) == 1
    assert absence_share(128_678) == pytest.approx(0.5)
    present, absent = (CONFIDENCE.logit(NONE, ALONE, Missing(words, ()), 128_678) for words in ([], ["电梯"]))
    assert absent - present == pytest.approx(-0.5, abs=1e-3)


def test_what_is_talked_about_is_missed_more_than_how_one_talks_of_it() -> None:
    absence = load_weights().confidence.absence
    for thing in ("许可证", "电梯", "医院"):
        for filler in ("我们", "出来", "想"):
            assert absence.logit([thing]) < absence.logit([filler])


def test_of_the_best_few_the_one_that_says_more_comes_first_and_no_value_rises() -> None:
    weights, values = load_weights(), [5.0, 4.9, 4.8, 4.7]
    looks = [
        (ALONE._replace(met=met), Missing((), types))
        for met, types in ((0.4, ("money",)), (0.4, ()), (0.9, ()))
    ]
    looked = look_again(values, looks, weights, 180)
    assert [place for place, _ in looked] == [2, 1, 0, 3]
    left = [value for _, value in looked]
    assert left == sorted(left, reverse=True)
    assert all(value <= values[place] for place, value in looked)


def test_in_a_large_library_none_is_moved() -> None:
    looks = [(ALONE, NOTHING), (ALONE._replace(met=1.0), NOTHING)]
    assert look_again([2.0, 1.0, 0.5], looks, load_weights(), 128_678) == [(0, 2.0), (1, 1.0), (2, 0.5)]
