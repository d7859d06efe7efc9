"""
Embedded keywords: BM25 on one machine, several processes at once.

SQLite holds the passages and a log of changes; tantivy holds a disposable BM25 index that names, in a
document of its own, the last change it contains. A put is one SQLite transaction, then one tantivy
commit, both under the writer's lock. A writer killed between the two leaves the log ahead of the index:
whoever opens it next replays the rest. Readers take no lock; they notice a commit by one `stat`.
"""

import contextlib
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import tantivy

from candor.adapters.embedded_store import PassageStore
from candor.analysis import ANALYSER_VERSION, passage_terms, query_terms
from candor.errors import Unavailable
from candor.search import ANYTHING, Hit, Passage, Stored, Where

_LOG = "CREATE TABLE IF NOT EXISTS log (seq INTEGER PRIMARY KEY AUTOINCREMENT, key INTEGER NOT NULL);"
_MARK = -1
"""The key of the document that is no passage: its `mark` is the last change the index contains."""

_FILTERS = ("doc_type", "source", "status")
_LITTLE_HEAP, _LARGE_HEAP = 15_000_000, 100_000_000
_MANY = 2000
"""Changes from which the large heap is worth its memory."""
_SUM, _NOTHING = tantivy.Occur.Should, 0.0
_AND = tantivy.Occur.Must


class EmbeddedKeywords:
    """A `KeywordIndex` in a folder. The folder is made by the first put; until then it holds no hits."""

    def __init__(self, path: Path | str) -> None:
        self._store = PassageStore(Path(path), "keywords", schema=_LOG)
        self._schema = _schema()
        self._index: tantivy.Index | None = None
        self._searcher: tantivy.Searcher | None = None
        self._seen: tuple[int, int] | None = None
        self._identity: str | None = None

    def put(self, passages: Sequence[Passage]) -> None:
        if not passages:
            return
        with self._store.locked():
            with self._store.transaction() as connection:
                keys = self._store.write(passages, connection)
                connection.executemany("INSERT INTO log (key) VALUES (?)", [(key,) for key in keys.values()])
            self._catch_up()

    def search(self, question: str, *, limit: int, where: Where = ANYTHING) -> list[Hit]:
        found = self._found(question, limit, _filters(self._schema, where))
        passages = self._store.passages([key for key, _ in found])
        return [Hit(passage=passages[key], score=score) for key, score in found if key in passages]

    def score(self, question: str, passage_ids: Sequence[str]) -> dict[str, float]:
        if self._fresh() is None:
            return {}
        ids = {key: passage_id for passage_id, key in self._store.keys(passage_ids).items()}
        if not ids:
            return {}
        among = tantivy.Query.term_set_query(self._schema, "key", list(ids))
        return {ids[key]: score for key, score in self._found(question, len(ids), [among])}

    def forget(self, document_id: str, *, keep_version: int | None = None) -> None:
        if self._store.open(create=False) is None:
            return
        with self._store.locked():
            gone = [(key,) for key in self._store.of_document(document_id, below=keep_version)]
            if gone:
                with self._store.transaction() as connection:
                    connection.executemany("DELETE FROM passages WHERE key = ?", gone)
                    connection.executemany("INSERT INTO log (key) VALUES (?)", gone)
            self._catch_up()

    def stored(self) -> Iterator[Stored]:
        return self._store.stored()

    def drop(self) -> None:
        self._store.drop()
        with self._store.guard:
            self._index = self._searcher = self._seen = self._identity = None

    def _found(
        self, question: str, limit: int, conditions: Sequence[tantivy.Query]
    ) -> list[tuple[int, float]]:
        """Keys and BM25, best first."""
        searcher = self._fresh()
        terms = query_terms(question)
        if searcher is None or not terms or limit < 1:
            return []
        query = _any_of(self._schema, terms)
        if conditions:
            # Beside a condition a clause that may match is no longer asked to: hence a query in a query.
            free = [(_AND, tantivy.Query.const_score_query(condition, _NOTHING)) for condition in conditions]
            query = tantivy.Query.boolean_query([(_AND, query), *free])
        with _translated():
            hits = searcher.search(query, limit, count=False).hits
            keys = searcher.fast_field_values("key", [address for _, address in hits])
        return [(int(key), float(score)) for (score, _), key in zip(hits, keys, strict=True)]

    def _fresh(self) -> tantivy.Searcher | None:
        """A searcher that sees every put that has returned; None while nothing was ever put."""
        if self._store.open(create=False) is None:
            return None
        for _ in range(3):
            with (
                contextlib.suppress(FileNotFoundError),
                self._store.guard,
                _translated(but=FileNotFoundError),
            ):
                if self._index is None:
                    self._heal()
                assert self._index is not None
                now = self._folder().joinpath("meta.json").stat()
                if self._seen != (now.st_mtime_ns, now.st_ino):
                    self._index.reload()
                    self._searcher = self._index.searcher()
                    self._seen = now.st_mtime_ns, now.st_ino
                return self._searcher
            # Another process has built the index anew, and removed the one we had.
            self._index = self._identity = None
        raise Unavailable("The embedded BM25 index is being rebuilt.")

    def _heal(self) -> None:
        """Open the index and finish what a killed writer began, unless another writer is at it now."""
        whole = self._folder().joinpath("meta.json").exists()
        with self._store.locked(wait=not whole) as alone:
            if alone:
                self._catch_up()
            else:
                self._index = _opened(self._schema, self._folder())

    def _catch_up(self) -> None:
        """Bring the index up to the log. With the lock held."""
        try:
            last = self._replay()
        except (ValueError, OSError):
            # Broken, of another version of tantivy, or behind a log that no longer reaches back.
            with _translated():
                last = self._rebuild()
        if last:
            with self._store.transaction() as connection:
                connection.execute("DELETE FROM log WHERE seq <= ?", (last,))
            self._store.fold_log()

    def _replay(self) -> int | None:
        """Apply what the log holds beyond the index; the last change applied, None if there was none."""
        index = self._index or _opened(self._schema, self._folder())
        index.reload()
        mark = _mark(index.searcher(), self._schema)
        last, changed = self._changes_after(mark)
        self._index = index
        if last == mark:
            return None
        if changed is None:
            raise ValueError("the log does not reach back to the index")
        with _writer(index, len(changed)) as writer:
            # A writer killed in a commit leaves a file of deletions, under the very name ours will want.
            writer.garbage_collect_files()
            for key, passage in self._now(changed):
                writer.delete_documents_by_term("key", key)
                if passage is not None:
                    writer.add_document(_document(key, passage))
            _commit(writer, last)
        return last

    def _rebuild(self) -> int:
        """Build anew from the passages in a folder of its own, then switch to it; readers follow."""
        last, _ = self._changes_after(0)
        identity = secrets.token_hex(8)
        index = _opened(self._schema, self._folder(identity))
        with _writer(index, _MANY) as writer:
            for key, passage in self._store.every():
                writer.add_document(_document(key, passage))
            _commit(writer, last)
        with self._store.transaction() as connection:
            connection.execute("UPDATE meta SET value = ? WHERE name = 'identity'", (identity,))
        self._index, self._identity, self._seen = index, identity, None
        for folder in self._store.folder.glob("bm25-*"):
            if folder != self._folder():
                shutil.rmtree(folder, ignore_errors=True)
        return last

    def _changes_after(self, mark: int) -> tuple[int, list[int] | None]:
        """The last change, and the keys changed since `mark`: None if the log cannot tell, so all."""
        with self._store.snapshot() as connection:
            row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'log'").fetchone()
            last = int(row[0]) if row else 0
            keys = [key for (key,) in connection.execute("SELECT key FROM log WHERE seq > ?", (mark,))]
        return last, list(dict.fromkeys(keys)) if len(keys) == last - mark else None

    def _now(self, keys: Sequence[int]) -> Iterator[tuple[int, Passage | None]]:
        remaining = iter(keys)
        while some := list(islice(remaining, 1000)):
            passages = self._store.passages(some)
            for key in some:
                yield key, passages.get(key)

    def _folder(self, identity: str | None = None) -> Path:
        """One for each analyser: a newer one builds anew beside it, from the passages."""
        if identity is None:
            if self._identity is None:
                with self._store.snapshot() as connection:
                    select = "SELECT value FROM meta WHERE name = 'identity'"
                    (self._identity,) = connection.execute(select).fetchone()
            identity = self._identity
        return self._store.folder / f"bm25-{ANALYSER_VERSION}-{identity}"


def _opened(schema: tantivy.Schema, folder: Path) -> tantivy.Index:
    folder.mkdir(exist_ok=True)
    index = tantivy.Index(schema, path=str(folder))
    blanks = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer("terms", blanks)
    return index


@contextlib.contextmanager
def _writer(index: tantivy.Index, changes: int) -> Iterator[tantivy.IndexWriter]:
    """A writer that has let go of the index's own lock when it is left, by an error too."""
    writer = index.writer(_LARGE_HEAP if changes >= _MANY else _LITTLE_HEAP, 1)
    try:
        yield writer
    finally:
        # Also waits for merges: one that is cut off would begin again with every put.
        writer.wait_merging_threads()


def _commit(writer: tantivy.IndexWriter, last: int) -> None:
    writer.delete_documents_by_term("key", _MARK)
    writer.add_document(tantivy.Document(key=_MARK, mark=last))
    writer.commit()


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("key", indexed=True, fast=True)
    builder.add_integer_field("mark", fast=True)
    for field in ("heading", "body"):
        builder.add_text_field(field, tokenizer_name="terms", index_option="freq")
    for field in _FILTERS:
        builder.add_text_field(field, tokenizer_name="raw", index_option="basic")
    return builder.build()


def _document(key: int, passage: Passage) -> tantivy.Document:
    """Title and headings are a field of their own: a word there counts again, and more, being short."""
    return tantivy.Document(
        key=key,
        heading=" ".join(passage_terms(f"{passage.title}\n{passage.path}", passage.language)),
        body=" ".join(passage_terms(passage.text, passage.language)),
        **{field: getattr(passage, field) for field in _FILTERS},
    )


def _any_of(schema: tantivy.Schema, terms: Iterable[str]) -> tantivy.Query:
    return tantivy.Query.boolean_query(
        [
            (_SUM, tantivy.Query.term_query(schema, field, term, "freq"))
            for term in terms
            for field in ("heading", "body")
        ]
    )


def _filters(schema: tantivy.Schema, where: Where) -> list[tantivy.Query]:
    wanted = (("doc_type", where.doc_types), ("source", where.sources), ("status", where.statuses))
    return [tantivy.Query.term_set_query(schema, field, sorted(some)) for field, some in wanted if some]


def _mark(searcher: tantivy.Searcher, schema: tantivy.Schema) -> int:
    found = searcher.search(tantivy.Query.term_query(schema, "key", _MARK), 1, count=False).hits
    return int(searcher.fast_field_values("mark", [found[0][1]])[0]) if found else 0


@contextlib.contextmanager
def _translated(*, but: type[Exception] | None = None) -> Iterator[None]:
    """tantivy raises `ValueError` for everything. One error may go through as it is."""
    try:
        yield
    except (ValueError, OSError) as error:
        if but is not None and isinstance(error, but):
            raise
        raise Unavailable("The embedded BM25 index cannot be used right now.") from error
