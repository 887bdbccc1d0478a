"""The commands about what is in a collection: add, list, delete, collections, reindex."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.terminal import (
    AsJson,
    Collection_,
    DataDir,
    Model,
    added_files,
    make_console,
    make_table,
    print_json,
    print_refused,
    printable,
    read_settings,
    reading,
    showing_progress,
)

if TYPE_CHECKING:
    from embeddings import AddReport, Collection


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

    settings = read_settings(data_dir=data_dir, model=model)
    with (
        closing(open_named(settings, collection, model=model)) as opened,
        showing_progress("Reading documents") as on_progress,
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
        print_json(added_files(report), indent=indent)
        return
    print_refused(report)
    counts = f"{len(report.added)} added, {len(report.unchanged)} unchanged, {len(report.refused)} refused"
    make_console().print(counts)


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
    with reading(data_dir, None, collection) as opened:
        documents, total = opened.list_documents(limit=limit, filter=parse_filters(given))
    if as_json:
        print_json(documents_reply(documents, total=total, offset=0, limit=limit))
        return
    table = make_table("id", "date", "title", "file")
    for document in documents:
        date = document.metadata.date.value if document.metadata.date else ""
        table.add_row(document.id, date, printable(document.title), printable(document.filename))
    make_console().print(table)
    make_console().print(f"{len(documents)} of {total}")


def delete(
    document_ids: Annotated[list[str], typer.Argument(help="Ids, as `wenyuan list` shows them.")],
    collection: Collection_ = "default",
    data_dir: DataDir = None,
) -> None:
    """Remove documents; if one of them is not there, none is."""
    from api.library import open_named

    with closing(open_named(read_settings(data_dir=data_dir), collection)) as opened:
        opened.remove(document_ids)
    make_console().print(f"{len(document_ids)} removed")


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

    settings = read_settings(data_dir=data_dir, model=model)
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
        print_json({"collections": replies})
        return
    table = make_table("name", "documents", "passages", "model")
    for reply in replies:
        table.add_row(
            reply["name"], str(reply["documents"]), str(reply["passages"]), printable(reply["model"])
        )
    make_console().print(table)


def reindex(
    collection: Collection_ = "default",
    data_dir: DataDir = None,
    model: Model = None,
) -> None:
    """Make a collection's vectors again with another model; stopped, it goes on from there the next time."""
    from api.library import open_named
    from embeddings import load_embedder

    settings = read_settings(data_dir=data_dir)
    wanted = model or read_settings().model
    embedder = load_embedder(wanted)
    with (
        closing(open_named(settings, collection, as_made=True)) as opened,
        showing_progress("Making vectors") as show,
    ):
        opened.reindex(embedder, model=wanted, on_progress=show)
        facts = opened.facts()
    make_console().print(f"{facts.segments} vectors are of {wanted}")
