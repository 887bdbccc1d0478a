"""The commands that ask a collection: search, ask, eval, check, similar, phrases."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from api.terminal import (
    AsJson,
    Collection_,
    DataDir,
    Model,
    describe_source,
    make_console,
    make_table,
    print_json,
    printable,
    reading,
    searching,
    showing_progress,
)

if TYPE_CHECKING:
    from rich.table import Table

    from embeddings import DraftReport, Legs, Report

TopK = Annotated[int, typer.Option("--top-k", "-k", min=1, max=100, help="At most so many hits.")]
ReportFormat = Annotated[
    Literal["markdown", "json", "html"], typer.Option("--format", "-f", help="How the report is written.")
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write the report to this file.")]


def search(
    query: Annotated[str, typer.Argument(help="A topic or a question.")],
    top_k: TopK = 5,
    min_score: Annotated[
        float | None, typer.Option(min=0, max=1, help="Replaces the answer threshold.")
    ] = None,
    collection: Collection_ = "default",
    data_dir: DataDir = None,
    model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Find the passages that answer QUERY."""
    from api.rendering import search_reply

    with searching(data_dir, model, collection) as opened:
        started = time.perf_counter()
        hits = opened.search(_characters(query), top_k=top_k, min_score=min_score)
        took_ms = (time.perf_counter() - started) * 1000
        if as_json:
            print_json(search_reply(query, opened.name, hits, took_ms=took_ms))
            return
    table = make_table("#", "score", "quote", "source")
    for hit in hits:
        table.add_row(str(hit.rank), f"{hit.score:.2f}", printable(hit.quote), describe_source(hit.source))
    make_console().print(table if hits else "Nothing answers this.")


def ask(
    question: Annotated[str, typer.Argument(help="A topic or a question.")],
    top_k: TopK = 5,
    data_dir: DataDir = None,
    model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Answer QUESTION with exact quotes."""
    from api.answering import answer_with_quotes
    from api.rendering import ask_reply

    with searching(data_dir, model) as collection:
        hits = collection.search(_characters(question), top_k=top_k)
        answer = answer_with_quotes(question, hits, collection)
    if as_json:
        print_json(ask_reply(answer, hits))
        return
    console = make_console()
    console.print(printable(answer.text))
    for n, hit in enumerate(answer.cited, start=1):
        console.print(f"[{n}] {describe_source(hit.source)}", style="dim")


def evaluate(
    questions: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, readable=True, help="Labelled questions, a JSON object a line."
        ),
    ],
    split: Annotated[str | None, typer.Option(help="Ask only the questions of this split.")] = None,
    data_dir: DataDir = None,
    model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Ask labelled QUESTIONS and print how well they are answered, for each leg and for both."""
    from embeddings import evaluate as evaluate_legs
    from embeddings import load_questions

    asked = [question for question in load_questions(questions) if split in (None, question.split)]
    every_leg: tuple[Legs, ...] = ("lexical", "dense", "both")
    reports: list[Report] = []
    with searching(data_dir, model) as collection, showing_progress("Asking") as on_progress:
        for legs in every_leg:
            reports.append(evaluate_legs(collection, asked, legs=legs))
            on_progress(len(reports), len(every_leg))
    if as_json:
        print_json({report.legs: report.to_dict() for report in reports})
    else:
        make_console().print(_figures(reports))


def check(
    draft: Annotated[
        Path, typer.Argument(help="A file of any format that is read; - reads text from stdin.")
    ],
    report_format: ReportFormat = "markdown",
    output: Output = None,
    phrases_file: Annotated[
        Path | None, typer.Option("--phrases", help="Set phrases of your own, one a line.")
    ] = None,
    top_k: Annotated[int, typer.Option("--top-k", "-k", min=1, max=100)] = 3,
    data_dir: DataDir = None,
    model: Model = None,
) -> None:
    """Check a DRAFT: where it was said before, what is outdated, what was left to be filled in."""
    import sys

    from embeddings import read

    data = sys.stdin.buffer.read() if str(draft) == "-" else _file_bytes(draft)
    document = read(data, filename="draft.txt" if str(draft) == "-" else draft.name)
    own = _file_bytes(phrases_file).decode(errors="replace").splitlines() if phrases_file else []
    with reading(data_dir, model) as collection:
        report = collection.similar(document.text, top_k=top_k, phrases=own)
    _write_report(report, report_format, output)


def similar(
    document: Annotated[str, typer.Argument(help="The id of a document.")],
    report_format: ReportFormat = "markdown",
    output: Output = None,
    data_dir: DataDir = None,
    model: Model = None,
) -> None:
    """Check a DOCUMENT of the collection against all others."""
    with reading(data_dir, model) as collection:
        report = collection.similar_to(document)
    _write_report(report, report_format, output)


def phrases(
    min_documents: Annotated[int, typer.Option(min=2, help="In so many unrelated documents.")] = 4,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    data_dir: DataDir = None,
    model: Model = None,
    as_json: AsJson = False,
) -> None:
    """List the set phrases of the collection."""
    with reading(data_dir, model) as collection:
        found = collection.set_phrases(min_documents=min_documents, limit=limit)
    if as_json:
        print_json([{"phrase": one.letters, "documents": one.documents} for one in found])
        return
    table = make_table("documents", "phrase")
    for one in found:
        table.add_row(str(one.documents), printable(one.letters))
    make_console().print(table)


def _characters(text: str) -> str:
    """`text`, if it is text: what the terminal sent in another encoding arrives as halves of surrogate pairs."""
    from embeddings import InvalidInput

    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            "The question is not in the terminal's encoding; set the terminal to UTF-8."
        ) from error
    return text


def _file_bytes(path: Path) -> bytes:
    from embeddings import InvalidInput

    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error


def _write_report(report: "DraftReport", report_format: str, output: Path | None) -> None:
    import sys

    from api.rendering import to_json
    from api.reports import report_html, report_markdown, report_reply

    if report_format == "json":
        content = to_json(report_reply(report), indent=2) + b"\n"
    else:
        write = report_html if report_format == "html" else report_markdown
        content = write(report).encode("utf-8", "backslashreplace")
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        output.write_bytes(content)


def _figures(reports: "list[Report]") -> "Table":
    table = make_table("", *(report.legs for report in reports))
    for label, figure in _FIGURES.items():
        table.add_row(label, *(figure(report) for report in reports))
    for of_kind in zip(*(report.kinds for report in reports), strict=True):
        label = f"{of_kind[0].kind or 'no kind'}, right first"
        table.add_row(label, *(f"{one.right:.3f} of {one.questions}" for one in of_kind))
    for at in zip(*(report.refusals for report in reports), strict=True):
        label = f"unanswerable, refused where {at[0].lost:.0%} are lost"
        table.add_row(label, *(f"{one.refused:.3f}" for one in at))
    return table


_FIGURES: dict[str, Callable[[Any], str]] = {
    "quote hit@1": lambda report: f"{report.quote.hit_at_1:.3f}",
    "quote hit@3": lambda report: f"{report.quote.hit_at_3:.3f}",
    "quote hit@10": lambda report: f"{report.quote.hit_at_10:.3f}",
    "quote MRR": lambda report: f"{report.quote.mrr:.3f}",
    "quote nDCG@10": lambda report: f"{report.quote.ndcg_at_10:.3f}",
    "passage hit@1": lambda report: f"{report.passage.hit_at_1:.3f}",
    "passage hit@3": lambda report: f"{report.passage.hit_at_3:.3f}",
    "passage hit@10": lambda report: f"{report.passage.hit_at_10:.3f}",
    "passage MRR": lambda report: f"{report.passage.mrr:.3f}",
    "passage nDCG@10": lambda report: f"{report.passage.ndcg_at_10:.3f}",
    "answer share of quote": lambda report: f"{report.answer_share:.3f}",
    "answerable, no hits": lambda report: f"{report.lost:.3f} of {report.answerable}",
    "unanswerable, hits": lambda report: f"{report.false_answers:.3f} of {report.unanswerable}",
    "median ms": lambda report: f"{report.median_ms:.1f}",
    "p95 ms": lambda report: f"{report.p95_ms:.1f}",
}
