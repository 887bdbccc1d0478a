"""How sure a hit is, by the size of the library it was found in."""

import pytest

from embeddings.ranking import Confidence, Features, Logistic, largeness

NONE = Features(*[0.0] * len(Features._fields))
CONFIDENCE = Confidence(
    small=Logistic(bias=2.0, features=NONE, lead=1.0), large=Logistic(bias=-1.0, features=NONE, lead=3.0)
)


@pytest.mark.parametrize(("segments", "logit"), [(1, 1.0), (180, 1.0), (128_678, -4.0), (5_000_000, -4.0)])
def test_small_and_large_libraries_have_weights_of_their_own(segments: int, logit: float) -> None:
    assert CONFIDENCE.logit(NONE, -1.0, segments) == pytest.approx(logit)


def test_a_library_between_them_is_as_far_between_as_the_logarithm_of_its_size() -> None:
    middle = round((180 * 128_678) ** 0.5)
    assert largeness(middle) == pytest.approx(0.5, abs=1e-3)
    assert CONFIDENCE.logit(NONE, -1.0, middle) == pytest.approx(-1.5, abs=1e-2)
