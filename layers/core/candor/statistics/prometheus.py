"""
Prometheus: everything counted, and how things stand now, in the text format 0.0.4.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from candor.statistics.values import BEYOND, BOUNDS_MS, NANO, Counts, of_name

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

PREFIX: Final = "support_ai_"

Labels = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """One metric with its samples: what stands after its name, labels, value."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    about: str
    samples: Sequence[tuple[str, Labels, float]] = field(default=())


def rendered(families: Iterable[Family]) -> str:
    """The page. A metric without samples is described all the same: it exists, nothing happened yet."""
    lines: list[str] = []
    for family in families:
        name = PREFIX + family.name
        lines.append(f"# HELP {name} {_escaped(family.about)}")
        lines.append(f"# TYPE {name} {family.kind}")
        for suffix, labels, value in family.samples:
            lines.append(f"{name}{suffix}{_labels(labels)} {_number(value)}")
    return "\n".join(lines) + "\n"


def counted(totals: Counts, of_functions: Mapping[str, Counts]) -> Iterator[Family]:
    """What the statistics say, and the details of each function's requests."""
    yield _counter(
        "requests_total",
        "HTTP requests answered.",
        [
            ({"function": function, "method": method, "route": route, "status": status}, count)
            for function, counts in of_functions.items()
            for (method, route, status), count in of_name(counts, "route").items()
        ],
    )
    yield _histogram(
        "request_duration_seconds",
        "Time to answer an HTTP request.",
        [({"function": name}, counts, "request") for name, counts in of_functions.items()],
    )
    yield _counter("answers_total", "Answers given.", [({}, totals.get("answers", 0))])
    yield _counter(
        "decisions_total",
        "Answers by what was decided: PASS, ASK_USER or ESCALATE.",
        _labelled(totals, "decision", "decision"),
    )
    yield _counter(
        "escalations_total", "Answers that need a person.", [({}, totals.get("decision|ESCALATE", 0))]
    )
    yield _counter(
        "answers_written_total",
        "Answers by the model that wrote them; extractive: quoted from the evidence.",
        _labelled(totals, "written", "model"),
    )
    yield _histogram("answer_duration_seconds", "Time to answer a question.", [({}, totals, "answer")])
    yield _counter("llm_calls_total", "Calls of language models.", _labelled(totals, "llm_calls", "model"))
    yield _counter(
        "llm_tokens_total",
        "Tokens that language models have read (input) and written (output).",
        _labelled(totals, "llm_tokens", "model", "direction"),
    )
    yield _counter(
        "llm_cost_usd_total",
        "Cost of language models in USD, where their price is known.",
        [(labels, count / NANO) for labels, count in _labelled(totals, "llm_cost", "model")],
    )
    yield _counter(
        "llm_unpriced_answers_total",
        "Answers whose model has no known price; their cost is in no sum.",
        _labelled(totals, "llm_unpriced", "model"),
    )
    for how, about in (("hit", "with"), ("miss", "without")):
        name = {"hit": "retrieval_hits_total", "miss": "retrieval_misses_total"}[how]
        sentence = f"Questions looked up {about} evidence to answer from."
        yield _counter(name, sentence, [({}, totals.get(f"retrieval|{how}", 0))])
    yield _counter(
        "retrieval_degraded_total",
        "Questions looked up while this index was missing.",
        _labelled(totals, "degraded", "index"),
    )
    yield _counter("conversations_total", "Conversations opened.", [({}, totals.get("conversations", 0))])
    yield _counter(
        "messages_total", "Messages of conversations by who spoke.", _labelled(totals, "messages", "role")
    )


def gauge(name: str, about: str, samples: Iterable[tuple[Labels, float]]) -> Family:
    """How something stands now."""
    return Family(name=name, kind="gauge", about=about, samples=[("", *sample) for sample in samples])


def _counter(name: str, about: str, samples: Iterable[tuple[Labels, float]]) -> Family:
    return Family(name=name, kind="counter", about=about, samples=[("", *sample) for sample in samples])


def _histogram(name: str, about: str, of: Iterable[tuple[Labels, Counts, str]]) -> Family:
    samples: list[tuple[str, Labels, float]] = []
    for labels, counts, what in of:
        buckets = {bound: count for (bound,), count in of_name(counts, f"{what}_le").items()}
        seen = 0
        for milliseconds in BOUNDS_MS:
            seen += buckets.get(str(milliseconds), 0)
            samples.append(("_bucket", {**labels, "le": _number(milliseconds / 1_000)}, seen))
        seen += buckets.get(BEYOND, 0)
        samples.append(("_bucket", {**labels, "le": "+Inf"}, seen))
        samples.append(("_sum", labels, counts.get(f"{what}_ms", 0) / 1_000))
        samples.append(("_count", labels, seen))
    return Family(name=name, kind="histogram", about=about, samples=samples)


def _labelled(counts: Counts, name: str, *labels: str) -> list[tuple[Labels, float]]:
    found = sorted(of_name(counts, name).items())
    return [(dict(zip(labels, values, strict=True)), count) for values, count in found]


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    inside = ",".join(
        f'{name}="{_escaped(value).replace(chr(34), chr(92) + chr(34))}"' for name, value in labels.items()
    )
    return f"{{{inside}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(value)
