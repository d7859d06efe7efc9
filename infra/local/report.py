"""Report: what an import found, as lines for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_PROBLEMS_SHOWN = 20


def lines(result: Mapping[str, Any], problems: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of a job's result, or of a reading that stored nothing."""
    # Why a whole dump is refused is its job's detail, and its error: said once.
    others = [problem for problem in problems if problem["reason"] != result.get("detail")]
    return [*_counted(result), *_problems(others)]


def _counted(result: Mapping[str, Any]) -> Iterator[str]:
    if result.get("detail"):
        yield f"  {result['detail']}"
    if "tickets" not in result or result.get("status") == "error":
        return
    rows = result.get("rows") or {}
    if rows:
        yield f"  rows read     {', '.join(f'{table} {count:,}' for table, count in sorted(rows.items()))}"
    yield f"  tickets       {result['tickets']:,}{_outcome(result, '')}"
    yield f"  replies       {result.get('replies', 0):,}"
    yield f"  merged        {result.get('merged', 0):,}"
    reasons = result.get("skipped_reasons") or {}
    told = "".join(f"\n                  {count:,} × {reason}" for reason, count in sorted(reasons.items()))
    yield f"  skipped       {sum(reasons.values()):,}{told}"
    yield f"  documents     {result.get('documents', 0):,}{_outcome(result, 'documents_')}"
    if result.get("error"):
        yield f"  refused       {result['error']:,}"
    encodings = result.get("encodings") or {}
    if encodings:
        yield f"  letters       {', '.join(f'{name} {count:,}' for name, count in sorted(encodings.items()))}"
    for table, layout in sorted((result.get("layouts") or {}).items()):
        yield f"  columns       {table}: {layout}"


def _outcome(result: Mapping[str, Any], prefix: str) -> str:
    names = [name for name in ("created", "updated", "unchanged", "withdrawn") if result.get(prefix + name)]
    if f"{prefix}created" not in result:
        return ""
    would = "would be " if result.get("dry_run") else ""
    told = ", ".join(f"{result[prefix + name]:,} {would}{name}" for name in names)
    return f"  ({told})" if told else ""


def _problems(problems: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for problem in problems[:_PROBLEMS_SHOWN]:
        yield f"  {problem['reason']}"
    if len(problems) > _PROBLEMS_SHOWN:
        yield f"  … and {len(problems) - _PROBLEMS_SHOWN} more; the job has them."
