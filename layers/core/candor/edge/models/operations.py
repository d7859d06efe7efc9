"""Operations' models: whether it works, and how it is used."""

from datetime import datetime
from typing import Literal, Self

from candor.edge.models import Query, Reply
from candor.edge.models.configuration import AlertReply
from candor.statistics.dashboard import Dashboard, Figures, Window


class ChecksReply(Reply):
    """`ok`, or a sentence that says what is wrong."""

    dynamodb: str
    s3: str
    queues: str
    search: str
    vectors: str
    model: str


class HealthReply(Reply):
    status: Literal["healthy", "degraded"]
    version: str
    checks: ChecksReply


class ShortHealthReply(Reply):
    status: Literal["ok", "degraded"]
    service: str


class StatsQuery(Query):
    window: Window = Window.DAY


class TokensReply(Reply):
    input: int
    output: int

    @classmethod
    def of(cls, figures: Figures) -> Self:
        read, written = figures.tokens
        return cls(input=read, output=written)


class DecisionCountsReply(Reply):
    PASS: int
    ASK_USER: int
    ESCALATE: int

    @classmethod
    def of(cls, figures: Figures) -> Self:
        return cls(**{decision.value: count for decision, count in figures.decisions.items()})


class LatencyReply(Reply):
    """Of answers. 0: there were none."""

    p50: float
    p95: float

    @classmethod
    def of(cls, figures: Figures) -> Self:
        return cls(p50=figures.latency_ms(0.5), p95=figures.latency_ms(0.95))


class PointReply(Reply):
    """One hour, or one day."""

    at: str
    """Its beginning (UTC)."""
    answers: int
    decisions: DecisionCountsReply
    tokens: TokensReply
    token_cost_usd: float
    retrieval_hit_rate: float
    escalation_rate: float
    conversations: int
    messages: int
    requests: int
    server_errors: int
    latency_ms: LatencyReply

    @classmethod
    def of(cls, at: datetime, figures: Figures) -> Self:
        return cls(
            at=at.isoformat(),
            answers=figures.answers,
            decisions=DecisionCountsReply.of(figures),
            tokens=TokensReply.of(figures),
            token_cost_usd=figures.cost_usd,
            retrieval_hit_rate=figures.retrieval_hit_rate,
            escalation_rate=figures.escalation_rate,
            conversations=figures.conversations,
            messages=figures.messages,
            requests=figures.counts.get("requests", 0),
            server_errors=figures.counts.get("server_errors", 0),
            latency_ms=LatencyReply.of(figures),
        )


class StatsReply(Reply):
    window: Window
    token_cost_usd: float
    """Of what has a known price."""
    cost_unknown: bool
    """Whether there was a model without one: then more was spent than that."""
    tokens: TokensReply
    retrieval_hit_rate: float
    """Of the questions that were looked up, those with evidence to answer from."""
    escalation_rate: float
    decisions: DecisionCountsReply
    conversations: int
    messages: int
    latency_ms: LatencyReply
    series: list[PointReply]
    """By hour for a day, by day for more; the oldest first, those without anything too."""
    metrics: dict[str, float]
    alerts: list[AlertReply] | None = None
    """What has to be looked after; for administrators, null for others."""

    @classmethod
    def of(cls, dashboard: Dashboard, alerts: list[AlertReply] | None) -> Self:
        whole = dashboard.whole
        return cls(
            window=dashboard.window,
            token_cost_usd=whole.cost_usd,
            cost_unknown=whole.cost_unknown,
            tokens=TokensReply.of(whole),
            retrieval_hit_rate=whole.retrieval_hit_rate,
            escalation_rate=whole.escalation_rate,
            decisions=DecisionCountsReply.of(whole),
            conversations=whole.conversations,
            messages=whole.messages,
            latency_ms=LatencyReply.of(whole),
            series=[PointReply.of(at, figures) for at, figures in dashboard.series],
            metrics=dict(whole.flat()),
            alerts=alerts,
        )
