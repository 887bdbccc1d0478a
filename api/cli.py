"""The command line: serve, add, search, ask, list, delete, collections, reindex, check, similar, phrases, mcp, eval.

Exit codes: 0 done, 1 it could not be done or not wholly, 2 the caller's mistake.
Imports that take time are made inside the commands, so that `--help` is there at once.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from unicodedata import category

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from api.settings import Settings
    from embeddings import AddReport, Collection, DraftReport, Legs, Report, Source

_SHOW_PROGRESS_AFTER_S = 1.0

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where collections are kept (WENYUAN_DATA_DIR).")
]
Model = Annotated[
    str | None, typer.Option("--model", help="“builtin”, a model folder or a name on a hub (WENYUAN_MODEL).")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Collection_ = Annotated[str, typer.Option("--collection", "-c", help="Which collection.")]
TopK = Annotated[int, typer.Option("--top-k", "-k", min=1, max=100, help="At most so many hits.")]

ReportFormat = Annotated[
    Literal["markdown", "json", "html"], typer.Option("--format", "-f", help="How the report is written.")
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write the report to this file.")]


def main() -> None:
    _make_app()(prog_name="wenyuan")


def _make_app() -> typer.Typer:
    app = typer.Typer(
        help="Sourced answers from official documents 文渊",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    commands: dict[str, Callable[..., None]]
    commands = {
        "serve": serve,
        "add": add,
        "search": search,
        "ask": ask,
        "list": list_documents,
        "delete": delete,
        "collections": collections,
        "reindex": reindex,
        "eval": evaluate,
    }
    commands |= {"check": check, "similar": similar, "phrases": phrases}
    commands |= {"mcp": mcp}
    for name, command in commands.items():
        app.command(name)(_telling_errors(command))
    return app


def serve(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files and folders; the sample documents if left out.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (WENYUAN_HOST).")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes a free one (WENYUAN_PORT).")
    ] = None,
    data_dir: DataDir = None,
    model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Serve the documents under PATHS over HTTP; they replace what was served before."""
    import logging

    from api import serving
    from api.settings import sample_documents

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    samples = sample_documents()
    served = paths or ([samples] if samples else [])

    def say_ready(address: str, documents: int, report: "AddReport | None") -> None:
        if as_json:
            # On one line: whoever started the server waits for it.
            _print_json({"url": address, "documents": documents, **_added(report)}, indent=None)
            return
        _print_refused(report)
        _console().print(f"Serving {documents} documents at {address} (Ctrl-C stops)")

    settings = _settings(host=host, port=port, data_dir=data_dir, model=model)
    with _progress("Reading documents") as on_progress:
        serving.serve(settings, served, on_progress=on_progress, on_ready=say_ready)


def add(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    collection: Collection_ = "default",
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on adding what comes and what changes, until stopped.")
    ] = False,
    every_s: Annotated[
        float, typer.Option("--every", min=0.1, help="Seconds between two looks, with --watch.")
    ] = 2.0,
    data_dir: DataDir = None,
    model: Model = None,
    as_json: AsJson = False,
) -> None:
    """Add documents; those that are there already stay as they are, and cost no more than a hash."""
    from api.library import open_named
    from embeddings import add_paths

    settings = _settings(data_dir=data_dir, model=model)
    with (
        closing(open_named(settings, collection, model=model)) as opened,
        _progress("Reading documents") as on_progress,
    ):
        if watch:
            _follow(opened, paths, every_s, on_progress, as_json)
            return
        report = add_paths(opened, paths, on_progress=on_progress)
    _print_report(report, as_json)
    if report.refused:
        raise typer.Exit(1)


def _follow(
    collection: "Collection",
    paths: list[Path],
    every_s: float,
    on_progress: Callable[[int, int], None],
    as_json: bool,
) -> None:
    from contextlib import suppress

    from embeddings import follow_paths

    def say(report: "AddReport") -> None:
        # On one line: it is one of many.
        _print_report(report, as_json, indent=None)

    with suppress(KeyboardInterrupt):
        follow_paths(collection, paths, every_s=every_s, on_report=say, on_progress=on_progress)


def _print_report(report: "AddReport", as_json: bool, *, indent: int | None = 2) -> None:
    if as_json:
        _print_json(_added(report), indent=indent)
        return
    _print_refused(report)
    counts = f"{len(report.added)} added, {len(report.unchanged)} unchanged, {len(report.refused)} refused"
    _console().print(counts)


def list_documents(
    collection: Collection_ = "default",
    filters: Annotated[str | None, typer.Option(help='As JSON: {"kind": ["通知"]}.')] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the documents of a collection."""
    import json

    from api.rendering import documents_reply
    from embeddings import InvalidInput, parse_filters

    try:
        given = json.loads(filters) if filters else {}
    except ValueError as error:
        raise InvalidInput(f"--filters is not JSON: {error}.") from error
    if not isinstance(given, dict):
        raise InvalidInput("--filters must be a JSON object.")
    with _reading(data_dir, None, collection) as opened:
        documents, total = opened.list_documents(limit=limit, filter=parse_filters(given))
    if as_json:
        _print_json(documents_reply(documents, total=total, offset=0, limit=limit))
        return
    table = _table("id", "date", "title", "file")
    for document in documents:
        date = document.metadata.date.value if document.metadata.date else ""
        table.add_row(document.id, date, _shown(document.title), _shown(document.filename))
    _console().print(table)
    _console().print(f"{len(documents)} of {total}")


def delete(
    document_ids: Annotated[list[str], typer.Argument(help="Ids, as `wenyuan list` shows them.")],
    collection: Collection_ = "default",
    data_dir: DataDir = None,
) -> None:
    """Remove documents; if one of them is not there, none is."""
    from api.library import open_named

    with closing(open_named(_settings(data_dir=data_dir), collection)) as opened:
        opened.remove(document_ids)
    _console().print(f"{len(document_ids)} removed")


def collections(
    create: Annotated[str | None, typer.Option(help="Make an empty collection of this name.")] = None,
    remove: Annotated[str | None, typer.Option(help="Delete the collection of this name.")] = None,
    data_dir: DataDir = None,
    model: Model = None,
    as_json: AsJson = False,
) -> None:
    """List the collections, or make or delete one."""
    from api.library import check_name, collection_names, discard_folder, open_named
    from api.rendering import collection_reply
    from embeddings import CollectionExists, CollectionNotFound

    settings = _settings(data_dir=data_dir, model=model)
    there = collection_names(settings.data_dir)
    if create is not None:
        check_name(create)
        if create in there:
            raise CollectionExists(f"There is a collection “{create}” already.")
        open_named(settings, create, model=model).close()
    if remove is not None:
        if remove not in there:
            raise CollectionNotFound(f"There is no collection “{remove}”.")
        # Opened to write, so that no server has it.
        open_named(settings, remove).close()
        discard_folder(settings.data_dir, remove)
    replies = []
    for name in collection_names(settings.data_dir):
        with closing(open_named(settings, name, read_only=True)) as opened:
            replies.append(collection_reply(name, opened.facts()))
    if as_json:
        _print_json({"collections": replies})
        return
    table = _table("name", "documents", "passages", "model")
    for reply in replies:
        table.add_row(reply["name"], str(reply["documents"]), str(reply["passages"]), _shown(reply["model"]))
    _console().print(table)


def reindex(
    collection: Collection_ = "default",
    data_dir: DataDir = None,
    model: Model = None,
) -> None:
    """Make a collection's vectors again with another model; stopped, it goes on from there the next time."""
    from api.library import open_named
    from embeddings import load_embedder

    settings = _settings(data_dir=data_dir)
    wanted = model or _settings().model
    embedder = load_embedder(wanted)
    with (
        closing(open_named(settings, collection, as_made=True)) as opened,
        _progress("Making vectors") as show,
    ):
        opened.reindex(embedder, model=wanted, on_progress=show)
        facts = opened.facts()
    _console().print(f"{facts.segments} vectors are of {wanted}")


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

    with _searching(data_dir, model, collection) as opened:
        started = time.perf_counter()
        hits = opened.search(_characters(query), top_k=top_k, min_score=min_score)
        took_ms = (time.perf_counter() - started) * 1000
        if as_json:
            _print_json(search_reply(query, opened.name, hits, took_ms=took_ms))
            return
    table = _table("#", "score", "quote", "source")
    for hit in hits:
        table.add_row(str(hit.rank), f"{hit.score:.2f}", _shown(hit.quote), _place(hit.source))
    _console().print(table if hits else "Nothing answers this.")


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

    with _searching(data_dir, model) as collection:
        hits = collection.search(_characters(question), top_k=top_k)
        answer = answer_with_quotes(question, hits, collection)
    if as_json:
        _print_json(ask_reply(answer, hits))
        return
    console = _console()
    console.print(_shown(answer.text))
    for n, hit in enumerate(answer.cited, start=1):
        console.print(f"[{n}] {_place(hit.source)}", style="dim")


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
    with _searching(data_dir, model) as collection, _progress("Asking") as on_progress:
        for legs in every_leg:
            reports.append(evaluate_legs(collection, asked, legs=legs))
            on_progress(len(reports), len(every_leg))
    if as_json:
        _print_json({report.legs: report.to_dict() for report in reports})
    else:
        _console().print(_figures(reports))


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
    with _reading(data_dir, model) as collection:
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
    with _reading(data_dir, model) as collection:
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
    with _reading(data_dir, model) as collection:
        found = collection.set_phrases(min_documents=min_documents, limit=limit)
    if as_json:
        _print_json([{"phrase": one.letters, "documents": one.documents} for one in found])
        return
    table = _table("documents", "phrase")
    for one in found:
        table.add_row(str(one.documents), _shown(one.letters))
    _console().print(table)


def mcp(data_dir: DataDir = None, model: Model = None) -> None:
    """Speak MCP on standard input and output, for a client that starts this command itself."""
    import anyio

    from api.library import Library, load_reranking, open_default
    from api.mcp_server import make_mcp_server

    settings = _settings(data_dir=data_dir, model=model)
    with closing(Library(settings)) as library:
        # To read only: a server may have it open.
        library.put(open_default(settings, read_only=True, reranking=load_reranking(settings)))
        anyio.run(make_mcp_server(library, settings).run_stdio_async)


@contextmanager
def _reading(data_dir: Path | None, model: str | None, name: str = "default") -> "Iterator[Collection]":
    """The collection, to read only: a server may have it open."""
    from api.library import open_named

    settings = _settings(data_dir=data_dir, model=model)
    with closing(open_named(settings, name, model=model, read_only=True)) as collection:
        yield collection


@contextmanager
def _searching(data_dir: Path | None, model: str | None, name: str = "default") -> "Iterator[Collection]":
    """As `_reading`, with the re-ranker of the settings."""
    from api.library import load_reranking, open_named

    settings = _settings(data_dir=data_dir, model=model)
    reranking = load_reranking(settings)
    with closing(open_named(settings, name, model=model, read_only=True, reranking=reranking)) as collection:
        yield collection


def _settings(**given: object) -> "Settings":
    from pydantic import ValidationError

    from api.settings import Settings
    from embeddings import InvalidInput

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = first["loc"][0]
        source = f"--{name}" if given.get(str(name)) is not None else f"WENYUAN_{str(name).upper()}"
        raise InvalidInput(f"{source} is {first['input']!r}: {first['msg']}.") from error


def _telling_errors(command: Callable[..., None]) -> Callable[..., None]:
    """`command`, with what the library raises told in one line on stderr."""
    import functools

    @functools.wraps(command)
    def told(*args: Any, **options: Any) -> None:
        from embeddings import InvalidInput, NotFound, WenyuanError

        try:
            command(*args, **options)
        except WenyuanError as error:
            typer.echo(f"wenyuan: {error}", err=True)
            raise typer.Exit(2 if isinstance(error, InvalidInput | NotFound) else 1) from error

    return told


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


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal's stderr, for work that takes more than a second."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    progress = Progress(console=console, transient=True, disable=not console.is_terminal)
    task = progress.add_task(label, total=None)
    began = time.monotonic()

    def show(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total)
        if done == total:
            progress.stop()
        elif time.monotonic() - began > _SHOW_PROGRESS_AFTER_S:
            progress.start()

    try:
        yield show
    finally:
        progress.stop()


def _added(report: "AddReport | None") -> dict[str, Any]:
    if report is None:
        return {"added": [], "unchanged": [], "refused": [], "removed": 0}
    return {
        "added": [{"path": str(file.path), "document_id": file.document_id} for file in report.added],
        "unchanged": [{"path": str(file.path), "document_id": file.document_id} for file in report.unchanged],
        "refused": [{"path": str(file.path), "reason": file.reason} for file in report.refused],
        "removed": report.removed,
    }


def _print_refused(report: "AddReport | None") -> None:
    for file in report.refused if report else ():
        typer.echo(_shown(f"refused {file.path}: {file.reason}"), err=True)


def _print_json(value: object, *, indent: int | None = 2) -> None:
    import sys

    from api.rendering import to_json

    sys.stdout.buffer.write(to_json(value, indent=indent) + b"\n")
    sys.stdout.buffer.flush()


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
    table = _table("", *(report.legs for report in reports))
    for label, figure in _FIGURES.items():
        table.add_row(label, *(figure(report) for report in reports))
    for of_kind in zip(*(report.kinds for report in reports), strict=True):
        label = f"{of_kind[0].kind or 'no kind'}, right first"
        table.add_row(label, *(f"{one.right:.3f} of {one.questions}" for one in of_kind))
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


def _table(*columns: str) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in ("#", "score"))
    return table


def _console() -> "Console":
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)


def _place(source: "Source") -> str:
    place = " › ".join((source.title, *source.outline))
    return _shown(f"{place} ({source.filename}, paragraph {source.paragraph})")


def _shown(text: str) -> str:
    """`text` without what a terminal would obey or an output could not encode."""
    return "".join(
        " " if category(character) in ("Cc", "Cs") and character != "\n" else character for character in text
    )


if __name__ == "__main__":
    main()
