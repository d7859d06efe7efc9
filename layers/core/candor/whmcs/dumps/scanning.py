"""Scanning: the one way through a dump, from front to back, which can stop and go on anywhere."""

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from candor.errors import Conflict, Invalid
from candor.sources.dump_heads import is_tar
from candor.whmcs.dumps.choosing import chosen
from candor.whmcs.dumps.files import Source, Text, sources_of, tar_told
from candor.whmcs.dumps.moving import move
from candor.whmcs.dumps.reading import Reader
from candor.whmcs.dumps.spilling import Basket
from candor.whmcs.dumps.tables import Tables
from candor.whmcs.dumps.values import Dump, Manner, Options, Position, Problem, Scan, Spill

PARTITION_BYTES: Final = 10_000_000
"""Of text in one partition, which is joined in memory: 40 to 50 MB there."""

MAX_PARTITIONS: Final = 512
CHUNK: Final = 4 << 20

SEGMENT_BYTES: Final = 64 << 20
"""Spilled between two checkpoints: what is held in memory, and what a kill costs to read again."""

PASSED_BYTES: Final = 256 << 20
"""Read between two checkpoints, wanted or not."""

MAX_WORD: Final = 96 << 20
"""Of one string. MySQL itself takes 64 MB in a statement unless it is told otherwise."""

RESERVE_SECONDS: Final = 15.0
"""What writing a segment may take, and whatever the caller has still to do."""


def scan(
    dump: Dump,
    spill: Spill,
    options: Options,
    *,
    checkpoint: Scan | None = None,
    remaining: Callable[[], float] = lambda: math.inf,
    on_progress: Callable[[Scan], None] = lambda scan: None,
    segment_bytes: int = SEGMENT_BYTES,
) -> Scan:
    """
    Read on from the checkpoint, until all is read or less than some seconds remain.

    `on_progress` is told of every point that is durable: reading again from it, in any process, gives exactly
    the same, whatever was written after it. `Invalid`, with a sentence, when it is no dump of WHMCS, or of
    several; `Conflict` when it is not the dump that the checkpoint was made of.
    """
    sources = sources_of(dump)
    files = tuple(f"{file}#{dump.size(file)}" for file in dump.files)
    state = checkpoint or _begun(files, sources)
    if state.files != files:
        raise Conflict("The dump's files have changed since its reading began: import it anew.")
    if not state.read:
        state = _Scanning(dump, spill, sources, options, state, on_progress, segment_bytes).go(remaining)
    if state.read and not state.chosen:
        state = chosen(state, sources)
        on_progress(state)
    if state.read and not state.finished:
        state = move(state, spill, remaining=lambda: remaining() - RESERVE_SECONDS, on_progress=on_progress)
    return state


def _begun(files: tuple[str, ...], sources: tuple[Source, ...]) -> Scan:
    size = sum(source.text_size for source in sources)
    return Scan(
        files=files,
        partitions=min(MAX_PARTITIONS, max(1, math.ceil(size / PARTITION_BYTES))),
        bytes_total=sum(source.size for source in sources),
    )


def _following(manner: Manner) -> Manner:
    """How the next file begins: what one file of a split dump says of letters holds for the others."""
    return Manner(charset=manner.charset, no_backslash=manner.no_backslash, database=manner.database)


class _Scanning:
    """One stretch of reading, from a checkpoint on."""

    def __init__(
        self,
        dump: Dump,
        spill: Spill,
        sources: tuple[Source, ...],
        options: Options,
        state: Scan,
        on_progress: Callable[[Scan], None],
        segment_bytes: int,
    ) -> None:
        self._dump, self._spill, self._sources = dump, spill, sources
        self._state = state
        self._on_progress = on_progress
        self._segment_bytes = segment_bytes
        self._tables = Tables(state, extras=options.extras)
        self._basket = Basket(state.partitions)
        self._position, self._manner = state.position, state.manner
        self._spilled = 0
        """What of the current source's rows has been written."""
        self._carried = 0
        """Bytes of sources before it that wait to be written: split dumps have thousands of small files."""

    def go(self, remaining: Callable[[], float]) -> Scan:
        """As far as time allows; the state it returns is durable."""
        while not self._state.read:
            if remaining() < RESERVE_SECONDS:
                if self._position != self._state.position:
                    self._checkpoint(self._position, self._manner, self._bytes_before(self._position.source))
                return self._state
            if not self._source(remaining):
                return self._state
        return self._state

    def _source(self, remaining: Callable[[], float]) -> bool:
        """The rest of the current source; False when time ran out in it."""
        position, index = self._position, self._position.source
        source = self._sources[index]
        with closing(Text(self._dump, source, position.offset)) as text:
            reader = Reader(
                tables=self._tables,
                basket=self._basket,
                manner=self._manner,
                source=index,
                file=source.name,
            )
            reader.base = position.offset
            since, stuck = position.offset, False
            while True:
                wanted = max(min(CHUNK, self._segment_bytes), reader.left if stuck else 0)
                data = text.read(wanted)
                before = reader.base + reader.at
                reader.feed(data, last=len(data) < wanted)
                reader.go()
                stuck = reader.base + reader.at == before
                self._note(reader)
                if reader.no_sql:
                    self._refuse(source, reader)
                    break
                if reader.last:
                    self._end(reader, text, source)
                    break
                if reader.left > MAX_WORD:
                    self._cut(reader, source, "a string that begins there has no end within 96 MB")
                    break
                here = reader.base + reader.at
                # Without a step forward the next call would stand where this one did.
                short = here > position.offset and remaining() < RESERVE_SECONDS
                held = self._carried + reader.spilled - self._spilled
                full = held >= self._segment_bytes or here - since >= PASSED_BYTES
                if short or full:
                    done = self._bytes_before(index) + text.bytes_done
                    place = Position(source=index, offset=here, table=reader.manner.table)
                    self._checkpoint(place, reader.manner, done)
                    since, self._spilled = here, reader.spilled
                if short:
                    return False
        self._carried += reader.spilled - self._spilled
        self._spilled = 0
        self._position, self._manner = Position(source=index + 1), _following(reader.manner)
        end = index + 1 >= len(self._sources)
        if end or self._carried >= self._segment_bytes // 4:
            self._checkpoint(self._position, self._manner, self._bytes_before(index + 1))
        return True

    def _checkpoint(self, position: Position, manner: Manner, bytes_done: int) -> None:
        """What was read is written under the name of the stretch it came from, and then counts."""
        begin = self._state.position
        segment = f"{begin.source}-{begin.offset}-{position.source}-{position.offset}"
        segments = self._state.segments
        if self._basket.flush(self._spill, segment):
            segments = (*segments, segment)
        rows = sum(sum(counts.values()) for counts in self._tables.rows.values())
        self._state = replace(
            self._tables.into(self._state),
            position=replace(position, row=rows),
            manner=manner,
            segments=segments,
            bytes_done=max(self._state.bytes_done, min(bytes_done, self._state.bytes_total)),
            read=position.source >= len(self._sources),
        )
        self._carried = 0
        self._on_progress(self._state)

    def _note(self, reader: Reader) -> None:
        for problem in reader.problems:
            self._state = self._state.noting(problem)
        reader.problems.clear()

    def _refuse(self, source: Source, reader: Reader) -> None:
        begins = reader.no_sql.decode("utf-8", "replace").strip()
        name = PurePosixPath(source.name).name
        sentence = (
            f"{name} holds no SQL, it begins with “{begins[:60]}”: "
            "a dump of WHMCS's MySQL database is expected, as mysqldump or phpMyAdmin write it."
        )
        if is_tar(reader.window):  # Packed, it is seen only here.
            sentence = tar_told(name)
        if len(self._sources) == 1:
            raise Invalid(sentence)
        self._state = self._state.noting(Problem(file=source.name, offset=0, sentence=sentence))

    def _end(self, reader: Reader, text: Text, source: Source) -> None:
        """The text is at its end: is it one?"""
        if text.damage:
            self._cut(reader, source, text.damage)
        elif not reader.whole:
            where = f"in the middle of {reader.manner.table}" if reader.manner.table else "in a statement"
            self._cut(reader, source, f"it ends {where}")
        elif reader.manner.completion == "expected":
            sentence = (
                f"{source.name} lacks the last line that mysqldump writes: if it was cut off there, tables "
                "are missing. Every row in it was kept."
            )
            problem = Problem(file=source.name, offset=0, sentence=sentence)
            self._state = replace(self._state.noting(problem), unended=True)

    def _cut(self, reader: Reader, source: Source, why: str) -> None:
        offset = reader.base + reader.at
        problem = Problem(
            file=source.name,
            offset=offset,
            sentence=f"{source.name} is cut off at byte {offset:,} of its text: {why}. "
            "Every row before it was kept.",
        )
        self._state = replace(
            self._state.noting(problem), truncations=(*self._state.truncations[:99], problem)
        )

    def _bytes_before(self, index: int) -> int:
        return sum(source.size for source in self._sources[:index])
