"""The language server on standard input and output: pygls carries the protocol, the other modules have the answers.

Rules:

1. A text is checked when it is opened, and again once nobody has typed for `QUIET`; questions in between are answered
   from the text as it is now and the names of the last check.
2. What a text `use`s is read from the buffer where that is open too; who uses a text is checked again with it.
3. What cannot be done is answered with the reason, as an error of the protocol: that is no failure, so no log shows it.
4. Positions of the protocol count from 0 in the client's units; everything else here counts from 1 in code points.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from lsprotocol import types as lsp
from pygls import uris
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument

from cpescript import __version__
from cpescript.diagnostics import Diagnostic, Span
from cpescript.language.catalogue import Catalogue, standard_catalogue
from cpescript.language.formatter import format_text
from cpescript.lsp import navigation
from cpescript.lsp.analysis import Analysis, analyse
from cpescript.lsp.completion import complete
from cpescript.lsp.hover import hover
from cpescript.lsp.workspace import TooLargeError, programs

QUIET = 0.15
"""Seconds without typing after which a text is checked again."""

SOURCE = "cpescript"

_SEVERITY = {"error": lsp.DiagnosticSeverity.Error, "warning": lsp.DiagnosticSeverity.Warning}
_COMPLETION = {
    "keyword": lsp.CompletionItemKind.Keyword,
    "message": lsp.CompletionItemKind.Class,
    "path": lsp.CompletionItemKind.Property,
    "object": lsp.CompletionItemKind.Module,
    "field": lsp.CompletionItemKind.Field,
    "quirk": lsp.CompletionItemKind.Event,
    "profile": lsp.CompletionItemKind.File,
    "name": lsp.CompletionItemKind.Variable,
    "function": lsp.CompletionItemKind.Function,
    "state": lsp.CompletionItemKind.EnumMember,
    "value": lsp.CompletionItemKind.Value,
}
_OUTLINE = {
    "scenario": lsp.SymbolKind.Module,
    "define": lsp.SymbolKind.Function,
    "param": lsp.SymbolKind.Constant,
    "profile": lsp.SymbolKind.File,
    "system": lsp.SymbolKind.Interface,
    "cohort": lsp.SymbolKind.Array,
}


class Refusal(JsonRpcInvalidParams):
    """What was asked cannot be done; the message says why."""


def _worth_logging(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], Refusal))


class CpesServer(LanguageServer):
    """Serves `.cpes` texts. `catalogue` is what scenarios can name."""

    def __init__(self, catalogue: Catalogue | None = None) -> None:
        super().__init__("cpescript", f"v{__version__}")
        self.catalogue = catalogue or standard_catalogue()
        self.analyses: dict[str, Analysis] = {}
        self._waiting: dict[str, asyncio.TimerHandle] = {}

    def document(self, uri: str) -> TextDocument:
        """Return an open text. Raises Refusal for another."""
        document: TextDocument | None = self.workspace.text_documents.get(unquote(uri))
        if document is None:
            raise Refusal(message=f"no text is open as {uri}")
        return document

    def buffers(self) -> dict[str, str]:
        """Return the open texts by their paths."""
        return {file_of(each.uri): each.source for each in self.workspace.text_documents.values()}

    def analysis(self, uri: str) -> Analysis:
        """Return the last check of a text, made now if there is none."""
        known = self.analyses.get(uri)
        return known if known is not None else self.check(uri)

    def current(self, uri: str) -> Analysis:
        """Return a check of the text, and of what it uses, as they are now."""
        known = self.analyses.get(uri)
        return known if known is not None and uri not in self._waiting else self.check(uri)

    def check(self, uri: str) -> Analysis:
        """Check a text and tell the client what is wrong with it."""
        self._stop_waiting(uri)
        document = self.document(uri)
        analysis = analyse(document.source, file_of(uri), self.catalogue, self.buffers())
        self.analyses[uri] = analysis
        found = [self.diagnostic(document, item) for item in analysis.own()]
        self.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(uri=uri, diagnostics=found, version=document.version)
        )
        return analysis

    def check_soon(self, uri: str) -> None:
        """Check a text once nobody has typed for a while, and those that use it."""
        for each in (uri, *self.users(uri)):
            self._stop_waiting(each)
            self._waiting[each] = asyncio.get_running_loop().call_later(QUIET, self.check, each)

    def users(self, uri: str) -> list[str]:
        """Return the open texts that use one, whether or not that is open or there at all."""
        file = file_of(uri)
        return [each for each, known in self.analyses.items() if each != uri and known.uses(file)]

    def around(self, uri: str) -> list[Path]:
        """Return the folders of the workspace, and that of the text itself."""
        roots = [each.uri for each in self.workspace.folders.values()] or [self.workspace.root_uri]
        folders = [Path(file_of(root)) for root in roots if root and root.startswith("file:")]
        own = Path(file_of(uri)).parent
        within = not uri.startswith("file:") or any(own.is_relative_to(folder) for folder in folders)
        return folders if within else [*folders, own]

    def programs_with(self, word: str, uri: str) -> Iterator[Analysis]:
        """Yield the programs around a text that use files and have a word in them. Raises TooLargeError."""
        return programs(self.around(uri), self.buffers(), word, self.catalogue)

    def forget(self, uri: str) -> None:
        self._stop_waiting(uri)
        self.analyses.pop(uri, None)
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri=uri, diagnostics=[]))

    def _stop_waiting(self, uri: str) -> None:
        waiting = self._waiting.pop(uri, None)
        if waiting is not None:
            waiting.cancel()

    def place(self, uri: str, position: lsp.Position) -> tuple[int, int]:
        """Return the line and column (from 1, in code points) of a client's position."""
        document = self.document(uri)
        own = document.position_codec.position_from_client_units(document.lines, position)
        return own.line + 1, own.character + 1

    def range(self, document: TextDocument, span: Span) -> lsp.Range:
        """Return a span as the client counts."""
        start = lsp.Position(span.line - 1, span.column - 1)
        end = lsp.Position(span.end_line - 1, max(span.end_column - 1, 0))
        return document.position_codec.range_to_client_units(document.lines, lsp.Range(start, end))

    def diagnostic(self, document: TextDocument, item: Diagnostic) -> lsp.Diagnostic:
        message = f"{item.message}\n{item.remedy}" if item.remedy else item.message
        return lsp.Diagnostic(
            range=self.range(document, item.span),
            message=message,
            severity=_SEVERITY[item.severity],
            code=item.code,
            source=SOURCE,
        )

    def location(self, span: Span) -> lsp.Location:
        uri = self.uri_of(span.source)
        return lsp.Location(uri=uri, range=self.range(self.workspace.get_text_document(uri), span))

    def uri_of(self, file: str) -> str:
        """Return the client's own spelling of a file's URI where it has the file open."""
        path = os.path.abspath(file)
        for known in self.workspace.text_documents.values():
            if file_of(known.uri) == path:
                return str(known.uri)
        uri = uris.from_fs_path(path)
        assert uri is not None
        return str(uri)


def file_of(uri: str) -> str:
    """Return the path that spans of a document carry; a document without a file has its URI as its name."""
    path = uris.to_fs_path(uri) if uri.startswith("file:") else None
    return os.path.abspath(path) if path else uri


def make_server(catalogue: Catalogue | None = None) -> CpesServer:
    """Return a server with every feature registered; `start_io()` runs it."""
    server = CpesServer(catalogue)
    _synchronising(server)
    _asking(server)
    _editing(server)
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_worth_logging)
    return server


def _synchronising(server: CpesServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.check(uri)
        for each in server.users(uri):
            server.check(each)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        server.check_soon(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: lsp.DidSaveTextDocumentParams) -> None:
        # Files that use the saved one see it anew.
        for uri in list(server.analyses):
            server.check(uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.forget(uri)
        for each in server.users(uri):
            server.check(each)


def _asking(server: CpesServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[".", " ", "(", '"', "{"]))
    def completion(params: lsp.CompletionParams) -> lsp.CompletionList:
        uri = params.text_document.uri
        document = server.document(uri)
        line, column = server.place(uri, params.position)
        items = []
        for order, item in enumerate(complete(server.analysis(uri), document.source, line, column)):
            span = Span("", line, item.column, line, column)
            items.append(
                lsp.CompletionItem(
                    label=item.label,
                    kind=_COMPLETION[item.kind],
                    detail=item.detail or None,
                    sort_text=f"{order:04}",
                    filter_text=item.label,
                    text_edit=lsp.TextEdit(range=server.range(document, span), new_text=item.insert),
                )
            )
        return lsp.CompletionList(is_incomplete=False, items=items)

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hovered(params: lsp.HoverParams) -> lsp.Hover | None:
        uri = params.text_document.uri
        found = hover(server.current(uri), *server.place(uri, params.position))
        if found is None:
            return None
        text, span = found
        content = lsp.MarkupContent(kind=lsp.MarkupKind.Markdown, value=text)
        return lsp.Hover(contents=content, range=server.range(server.document(uri), span))

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def defined(params: lsp.DefinitionParams) -> lsp.Location | None:
        uri = params.text_document.uri
        span = navigation.definition(server.current(uri), *server.place(uri, params.position))
        return server.location(span) if span is not None else None

    @server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    def used(params: lsp.ReferenceParams) -> list[lsp.Location]:
        uri = params.text_document.uri
        line, column = server.place(uri, params.position)
        declared = params.context.include_declaration
        found = navigation.references(server.current(uri), line, column, declared=declared)
        return [server.location(span) for span in found]

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def outlined(params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
        uri = params.text_document.uri
        document = server.document(uri)
        return [
            lsp.DocumentSymbol(
                name=entry.name,
                kind=_OUTLINE[entry.kind],
                range=server.range(document, entry.extent),
                selection_range=server.range(document, entry.span),
                detail=entry.kind,
            )
            for entry in navigation.outline(server.current(uri))
        ]


def _editing(server: CpesServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    def prepared(params: lsp.PrepareRenameParams) -> lsp.PrepareRenamePlaceholder | None:
        uri = params.text_document.uri
        found = navigation.renamable(server.current(uri), *server.place(uri, params.position))
        if found is None:
            return None
        name, span = found
        return lsp.PrepareRenamePlaceholder(range=server.range(server.document(uri), span), placeholder=name)

    @server.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
    def renamed(params: lsp.RenameParams) -> lsp.WorkspaceEdit:
        uri = params.text_document.uri
        line, column = server.place(uri, params.position)
        try:
            analysis = server.current(uri)
            meant = navigation.shared(analysis, line, column)
            others = server.programs_with(meant.name, uri) if meant is not None else ()
            spans = navigation.rename(analysis, line, column, params.new_name, others)
        except (navigation.RenameError, TooLargeError) as error:
            raise Refusal(message=str(error)) from error
        edits: dict[str, list[lsp.TextEdit]] = {}
        for span in spans:
            where = server.location(span)
            edits.setdefault(where.uri, []).append(lsp.TextEdit(range=where.range, new_text=params.new_name))
        changes: Sequence[lsp.TextDocumentEdit] = [
            lsp.TextDocumentEdit(
                text_document=lsp.OptionalVersionedTextDocumentIdentifier(uri=each, version=_version(server, each)),
                edits=list(found),
            )
            for each, found in edits.items()
        ]
        return lsp.WorkspaceEdit(document_changes=list(changes))

    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    def formatted(params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
        document = server.document(params.text_document.uri)
        text, _ = format_text(document.source, file_of(params.text_document.uri))
        if text is None:
            # Its mistakes are on show already; a text that does not parse is left alone.
            return None
        if text == document.source:
            return []
        whole = lsp.Range(lsp.Position(0, 0), lsp.Position(len(document.lines) + 1, 0))
        return [lsp.TextEdit(range=whole, new_text=text)]

    @server.feature(
        lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix])
    )
    def corrected(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        uri = params.text_document.uri
        document = server.document(uri)
        found = []
        for item in server.current(uri).own():
            meant = navigation.correction(item)
            where = server.range(document, item.span)
            if meant is None or not _overlap(where, params.range):
                continue
            edit = lsp.TextEdit(range=where, new_text=meant)
            found.append(
                lsp.CodeAction(
                    title=f"Write '{meant}'",
                    kind=lsp.CodeActionKind.QuickFix,
                    diagnostics=[server.diagnostic(document, item)],
                    edit=lsp.WorkspaceEdit(changes={uri: [edit]}),
                    is_preferred=True,
                )
            )
        return found


def _version(server: CpesServer, uri: str) -> int | None:
    document = server.workspace.text_documents.get(unquote(uri))
    return document.version if document is not None else None


def _overlap(one: lsp.Range, other: lsp.Range) -> bool:
    first, second = sorted((one, other), key=lambda each: (each.start.line, each.start.character))
    return (second.start.line, second.start.character) <= (first.end.line, first.end.character)
