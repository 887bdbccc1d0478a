"""What requests hold, checked strictly, and what replies hold, for the description of the API only."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from api.library import DEFAULT_COLLECTION
from embeddings import ATTRIBUTE_PREFIX, FILTER_FIELDS

_Span = tuple[int, int]


def _check_characters(text: str) -> str:
    """pydantic itself looks for lone surrogates only in what it parses from bytes."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise PydanticCustomError("string_unicode", "Input should be text")
    return text


_Text = Annotated[str, AfterValidator(_check_characters)]


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


_FILTERS = (
    "What the documents must say of themselves: a value, a list of values, or an object of operators for each"
    f" field; “and”, “or” and “not” combine. Fields: {', '.join(FILTER_FIELDS)}, and “{ATTRIBUTE_PREFIX}” with the name of"
    " an attribute."
)
_FILTERS_EXAMPLE = {"kind": ["通知", "意见"], "date": {"gte": "2021", "lte": "2023-06"}}


class SearchRequest(_Request):
    query: _Text = Field(description="A topic or a question.", examples=["燃气领域要求"])
    collection: _Text = DEFAULT_COLLECTION
    collections: list[_Text] | None = Field(
        default=None, min_length=1, max_length=100, description="Search several; replaces `collection`."
    )
    top_k: int = Field(default=5, ge=1, le=100, description="At most so many hits.")
    filters: dict[str, Any] | None = Field(default=None, description=_FILTERS, examples=[_FILTERS_EXAMPLE])
    sort: Literal["score", "date"] = Field(default="score", description="“date” gives the newest first.")
    min_score: float | None = Field(
        default=None, ge=0, le=1, allow_inf_nan=False, description="Replaces the answer threshold."
    )
    history: list[_Text] | None = Field(
        default=None, description="Earlier questions, oldest first: a follow-up is understood after them."
    )


class AskRequest(_Request):
    question: _Text = Field(examples=["燃气领域要求"])
    collection: _Text = DEFAULT_COLLECTION
    top_k: int = Field(default=5, ge=1, le=100, description="At most so many hits.")
    filters: dict[str, Any] | None = Field(default=None, description=_FILTERS, examples=[_FILTERS_EXAMPLE])
    history: list[_Text] | None = Field(
        default=None, description="Earlier questions, oldest first: a follow-up is understood after them."
    )


class SimilarRequest(_Request):
    draft: _Text
    collection: _Text = DEFAULT_COLLECTION
    top_k: int = Field(default=3, ge=1, le=100, description="At most so many sources for any place.")
    exclude_documents: list[_Text] = Field(default=[], description="Documents that are not looked at.")
    phrases: list[_Text] = Field(default=[], description="Set phrases besides those that the library shows.")


class PageRequest(BaseModel):
    """Strict but for what a query string cannot say: its numbers come as text."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=1_000_000_000)
    collection: str = DEFAULT_COLLECTION
    filters: str | None = Field(default=None, description=f"{_FILTERS} As JSON.")
    sort: Literal["added", "date"] = Field(default="added", description="“date” lists the newest first.")


class TextRequest(_Request):
    """A document as text."""

    text: _Text = Field(min_length=1)
    title: _Text | None = Field(default=None, min_length=1, max_length=500)
    filename: _Text | None = Field(default=None, max_length=500)
    collection: _Text | None = None


class CollectionRequest(_Request):
    name: _Text = Field(description="1 to 64 letters, digits, Han characters, “-” and “_”.")
    model: _Text | None = Field(
        default=None,
        min_length=1,
        description="“builtin”, a folder or a hub's name; the service's if left out.",
    )
    settings: dict[str, Any] = Field(default_factory=dict, description="Kept with it and given back.")


class ReindexRequest(_Request):
    model: _Text = Field(min_length=1)


class _Reply(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SourceReply(_Reply):
    document_id: str
    title: str
    filename: str
    url: str = Field(description="Where the document is, and the quote's span in it.")
    paragraph: int
    page: int | None
    outline: list[str] = Field(description="The headings that the quote stands under, outermost first.")
    issuer: str | None
    date: str | None
    doc_number: str | None
    recipient: str | None
    kind: str | None
    speaker: str | None
    meeting: str | None
    sha256: str = Field(description="Of the original file.")
    collection: str = Field(default="", description="Only where several were searched.")


class WhyReply(_Reply):
    dense_rank: int | None
    lexical_rank: int | None
    matched_terms: list[str]
    rerank_score: float | None = Field(
        description="What the re-ranker says of it, 0 to 1; null where none is set."
    )
    is_place: bool = Field(description="It is the numbered place that was asked for, or what tells of it.")
    is_consequence: bool = Field(
        description="It says what follows from what the next hit says, as the fine for it."
    )


class HitReply(_Reply):
    """Spans are code points of the document's text: `text[start:end]` is the quote."""

    rank: int
    score: float = Field(description="0 to 1, calibrated, comparable across queries.")
    similarity: float = Field(description="The cosine of query and quote.")
    quote: str
    quote_span: _Span
    passage: str
    passage_span: _Span
    source: SourceReply
    also_in: list[SourceReply] = Field(
        description="Other places where the passage stands, the first of them."
    )
    places: int = Field(description="In how many places the passage stands.")
    why: WhyReply


class SearchReply(_Reply):
    query: str
    collection: str | None = None
    collections: list[str] | None = None
    corrected_query: str | None = Field(
        description="What was searched for, where the query seemed to be mistyped."
    )
    took_ms: float
    no_answer: bool = Field(description="True exactly when there are no hits.")
    hits: list[HitReply]


class CitationReply(_Reply):
    n: int
    quote: str
    quote_span: _Span
    source: SourceReply


class AskReply(_Reply):
    answer: str = Field(description="Exact quotes, each followed by its [n].")
    citations: list[CitationReply]
    no_answer: bool
    hits: list[HitReply]


class DocumentReply(_Reply):
    id: str
    title: str
    filename: str
    sha256: str
    encoding: str
    bytes: int
    passage_count: int
    doc_number: str | None
    issuer: str | None
    recipient: str | None
    kind: str | None
    speaker: str | None
    meeting: str | None
    date: str | None
    added_at: str
    attributes: dict[str, str | float | bool] = Field(description="What callers say of it.")


class NearDuplicateReply(_Reply):
    document_id: str
    title: str
    filename: str
    share: float = Field(description="About the part of their text that both have in common.")


class UploadedReply(_Reply):
    """What became of one file."""

    filename: str
    status: Literal["added", "unchanged", "replaced", "refused"]
    document: DocumentReply | None = None
    near_duplicates: list[NearDuplicateReply] = []
    error: "ErrorReply | None" = None


class UploadReply(_Reply):
    collection: str
    results: list[UploadedReply]


class DeletedReply(_Reply):
    id: str
    deleted: bool


class VerifyReply(_Reply):
    """`reason` is null exactly when the quote is `valid`."""

    valid: bool
    reason: str | None
    document_id: str
    start: int
    end: int
    sha256: str = Field(description="Of the original that is stored.")
    quote: str | None
    title: str
    url: str


class CollectionReply(_Reply):
    name: str
    model: str
    embedder_id: str
    dimensions: int
    settings: dict[str, Any]
    documents: int
    passages: int
    segments: int
    generation: int
    reindexing_to: str | None


class CollectionsReply(_Reply):
    collections: list[CollectionReply]


class JobReply(_Reply):
    id: str
    kind: str
    collection: str
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    done: int
    total: int
    created_at: str
    finished_at: str | None
    error: str | None
    report: dict[str, Any]


class JobsReply(_Reply):
    jobs: list[JobReply]


class DocumentsReply(_Reply):
    total: int
    offset: int
    limit: int
    documents: list[DocumentReply]


class FieldReply(_Reply):
    value: str
    span: _Span


class MetadataReply(_Reply):
    title: FieldReply | None
    doc_number: FieldReply | None
    issuer: FieldReply | None
    recipient: FieldReply | None
    kind: FieldReply | None
    speaker: FieldReply | None
    meeting: FieldReply | None
    date: FieldReply | None


class HeadingReply(_Reply):
    text: str
    span: _Span
    extent: _Span
    level: int
    number: int
    parent: int | None = Field(description="Position of the heading above in this outline.")


class MarkReply(_Reply):
    """A range that is not content and is never found, and why."""

    span: _Span
    reason: str


class PassageReply(_Reply):
    text: str
    span: _Span
    paragraph: int
    is_heading: bool


class DocumentDetailReply(DocumentReply):
    near_duplicates: list[NearDuplicateReply]
    characters: int
    metadata: MetadataReply
    outline: list[HeadingReply]
    marks: list[MarkReply]
    passages: list[PassageReply]


class ChangeReply(_Reply):
    kind: str = Field(description="number, date, name, wording, added, left_out or order.")
    draft_span: _Span
    source_span: _Span
    draft: str
    source: str


class MatchReply(_Reply):
    """`draft_span` is over the draft as sent, `source_span` over the source's stored text."""

    kind: str = Field(description="verbatim, rewritten, boilerplate or related.")
    score: float
    draft_span: _Span
    source_span: _Span
    source_text: str
    changes: list[ChangeReply]
    source: SourceReply


class DraftParagraphReply(_Reply):
    span: _Span
    matches: list[MatchReply]


class BoilerplateReply(_Reply):
    draft_span: _Span
    documents: int = Field(description="In how many unrelated documents it stands; 0: the caller named it.")


class PlaceholderReply(_Reply):
    draft_span: _Span
    text: str


class SupersededReply(_Reply):
    draft_span: _Span
    reason: str
    source_span: _Span
    source_text: str
    source: SourceReply


class RepetitionReply(_Reply):
    first: _Span
    again: _Span


class DocumentShareReply(_Reply):
    document_id: str
    title: str
    characters: int
    share: float


class SimilarReply(_Reply):
    characters: int = Field(description="Letters, digits and Han characters of the draft.")
    originality: float = Field(
        description="1 less the share of characters in verbatim or rewritten spans, without boilerplate."
    )
    paragraphs: list[DraftParagraphReply]
    boilerplate: list[BoilerplateReply]
    placeholders: list[PlaceholderReply]
    superseded: list[SupersededReply]
    repetitions: list[RepetitionReply]
    documents: list[DocumentShareReply]


class SharedPairReply(_Reply):
    one: str
    other: str
    characters: int


class SharedTextReply(_Reply):
    pairs: list[SharedPairReply]


class SetPhraseReply(_Reply):
    phrase: str
    documents: int


class SetPhrasesReply(_Reply):
    phrases: list[SetPhraseReply]


class StatusReply(_Reply):
    status: str


class ErrorReply(_Reply):
    message: str
    type: str
    param: str | None
    code: str


class ErrorBody(_Reply):
    error: ErrorReply
