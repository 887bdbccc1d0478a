"""Which places of a document a question may mean, and how well each fits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from embeddings.outline import LAW_KINDS
from embeddings.outlined import NumberedList, OutlinedDocument, counts_in, coverage, line_of
from embeddings.place_questions import PlaceQuestion, Step, Unit
from embeddings.terms import fold
from embeddings.types import Heading, Hit, Span

# So much of the other words of a question must stand around the place.
ENOUGH = 0.6


@dataclass(frozen=True, slots=True)
class Focus:
    """What a dialogue is at: the document of the last answer, and the span of its quote; where a place was told,
    its list and position in it."""

    document_id: str
    quote: Span
    headings: tuple[Heading, ...] = ()
    at: int = -1
    unit: Unit | None = None

    def is_of(self, hit: Hit) -> bool:
        return hit.source.document_id == self.document_id


@dataclass(frozen=True, slots=True)
class Found:
    """A place (`at` in the list, its `extent`) or, where `at` is -1, a list, with how well it fits."""

    list: NumberedList
    at: int
    extent: Span
    score: float


def find_fitting(document: OutlinedDocument, asked: PlaceQuestion, focus: Focus | None) -> list[Found]:
    """The places or lists of a document that `asked` may mean, with their scores."""
    everything = Span(0, len(document.text))
    lists = document.lists()
    if asked.kind != "place":
        found = [
            Found(one, -1, Span(one.headings[0].extent.start, one.headings[-1].extent.end), score)
            for one in _lists_of(document, lists, asked.unit, everything, focus)
            if (score := _list_score(document, one, asked, focus)) is not None
        ]
    else:
        within = _article_at(document, lists, asked, focus) or everything
        found = _follow(document, lists, asked.steps, within, asked, focus)
    return [one for one in found if _covers(document, one, asked)]


def _article_at(
    document: OutlinedDocument, lists: Sequence[NumberedList], asked: PlaceQuestion, focus: Focus | None
) -> Span | None:
    """The article that a dialogue is at, where a paragraph or a number inside one is asked for."""
    if focus is None or focus.document_id != document.head.id or asked.steps[0].unit not in ("款", "点"):
        return None
    articles = (heading.extent for one in lists if one.kind == "条" for heading in one.headings)
    return next((article for article in articles if article.start <= focus.quote.start < article.end), None)


def _covers(document: OutlinedDocument, found: Found, asked: PlaceQuestion) -> bool:
    if not asked.subject:
        return True
    around = [document.letterhead]
    if found.list.announcement:
        around.append(fold(found.list.announcement.of(document.text)))
    start = found.extent.start
    for heading in document.outline:
        if heading.extent.start <= start < heading.extent.end:
            around.append(fold(heading.span.of(document.text)))
    if asked.kind == "place":
        around.append(fold(found.extent.of(document.text)))
    return coverage(asked.subject, *around) >= ENOUGH


def _follow(
    document: OutlinedDocument,
    lists: Sequence[NumberedList],
    steps: Sequence[Step],
    within: Span,
    asked: PlaceQuestion,
    focus: Focus | None,
) -> list[Found]:
    """The places that `steps` lead to inside `within`."""
    step, *rest = steps
    if step.unit == "款":
        extent = line_of(document.text, within, step.number)
        return [Found(NumberedList("款", (), None), -1, extent, 1.0)] if extent else []
    found: list[Found] = []
    for one in _lists_of(document, lists, step.unit, within, focus):
        numbers = [heading.number for heading in one.headings]
        if step.number < 0:
            at = len(numbers) + step.number
        else:
            at = numbers.index(step.number) if step.number in numbers else -1
        score = _list_score(document, one, asked, focus)
        if at < 0 or score is None:
            continue
        extent = one.headings[at].extent
        if not rest:
            found.append(Found(one, at, extent, score))
            continue
        inside = Span(one.headings[at].span.end, extent.end)
        found += [
            Found(deeper.list, deeper.at, deeper.extent, score + deeper.score)
            for deeper in _follow(document, lists, rest, inside, asked, None)
        ]
    return found


def _lists_of(
    document: OutlinedDocument, lists: Sequence[NumberedList], unit: Unit, within: Span, focus: Focus | None
) -> Iterator[NumberedList]:
    """The lists inside `within` whose places may be called `unit`."""
    inside = [one for one in lists if within.start <= one.headings[0].span.start < within.end]
    is_law = any(one.kind == "条" for one in lists)
    if unit in ("编", "章", "节") or (unit == "条" and is_law):
        flat = document.flat(unit, within)
        if flat.headings:
            yield flat
        return
    for one in inside:
        if unit == "议程":
            said = one.announcement.of(document.text) if one.announcement else ""
            fits = one.kind == "议程" or "议程" in said or "议题" in said
        elif unit in ("一是", "一要"):
            fits = one.kind in ("一是", "一要")
        else:
            # What is numbered inside an article is called by the article.
            fits = one.kind not in (*LAW_KINDS, "议程") and not (is_law and within.start == 0)
            fits = fits or (focus is not None and one.headings == focus.headings)
        if fits:
            yield one


def _list_score(
    document: OutlinedDocument, one: NumberedList, asked: PlaceQuestion, focus: Focus | None
) -> float | None:
    """How well a list is what is meant; None where it cannot be."""
    text = document.text
    said = fold(one.announcement.of(text)) if one.announcement else ""
    counts = counts_in(said)
    if asked.size is not None and len(one.headings) != asked.size:
        return None
    if (
        asked.size is not None
        and asked.noun
        and asked.noun not in said
        and _heads_lack(text, one, asked.noun)
    ):
        return None
    if len(one.headings) < 2 and asked.kind != "place":
        return None
    first, last = one.headings[0], one.headings[-1]
    score = 2 * document.fit + 0.3 * (first.level == 1) - 0.2 * first.level
    score += 0.6 * (last.extent.end - first.extent.start) / (len(text) + 1)
    score += 0.4 * (len(one.headings) in counts) + 0.2 * bool(said)
    score += 0.3 * (text[: first.span.start].rstrip(" \t\u3000")[-1:] in ("\n", ""))
    score += 1.0 * bool(asked.noun and asked.noun in said)
    score += 1.5 * coverage(asked.subject, said)
    if asked.unit in ("一是", "一要"):
        score += 0.5 * (one.kind == asked.unit)
    if focus and focus.document_id == document.head.id:
        score += 0.3 * any(h.extent.start <= focus.quote.start < h.extent.end for h in one.headings)
        is_beside = one.headings == focus.headings and (focus.at < 0 or focus.unit == asked.unit)
        score += 1.5 * (is_beside and not asked.is_inside)
        at = focus.headings[focus.at].extent if focus.at >= 0 else None
        is_inside = at is not None and at.start < first.span.start < at.end
        score += (3.0 if asked.is_inside else 1.0 if focus.unit != asked.unit else 0.0) * is_inside
    return score


def _heads_lack(text: str, one: NumberedList, noun: str) -> bool:
    return sum(noun in fold(heading.span.of(text)) for heading in one.headings) * 2 < len(one.headings)
