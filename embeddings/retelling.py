"""What was told just before is told again only with what follows it."""

from dataclasses import replace

from embeddings.queries import Query
from embeddings.splitting import split_sentences
from embeddings.terms import fold
from embeddings.types import Hit, Span

# A quote that holds so much of what is asked answers it, told before or not.
_ENOUGH = 0.7
# What follows is told as far as so many characters, and one sentence at least.
_MAX_FOLLOWING_CHARS = 120


def tell_on(hit: Hit, told: Span, own: Query) -> Hit:
    """`hit`, its quote as far as what follows it in the passage if that is of what was `told` and does not hold what
    the question says itself (`own`)."""
    quote = hit.quote_span
    if quote.start >= told.end or told.start >= quote.end:
        return hit
    if own.coverage(own.presence([fold(hit.quote)]))[0] >= _ENOUGH:
        return hit
    offset, end = hit.passage_span.start, quote.end
    for sentence in split_sentences(hit.passage, Span(quote.end - offset, len(hit.passage))):
        if end > quote.end and sentence.end + offset - quote.end > _MAX_FOLLOWING_CHARS:
            break
        end = sentence.end + offset
    return replace(
        hit, quote=hit.passage[quote.start - offset : end - offset], quote_span=Span(quote.start, end)
    )
