"""Routes of answers: those that were given, with all they came from, and asked once more."""

from candor.edge.models import snapshots
from candor.edge.routes.row import Access, Route

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/v1/admin/answers",
        function="replies",
        access=Access.ADMIN,
        summary="The answers of a day (UTC; today unless named), newest first.",
        query=snapshots.AnswersQuery,
        reply=snapshots.AnswersReply,
    ),
    Route(
        method="GET",
        path="/v1/admin/answers/{id}",
        function="replies",
        access=Access.ADMIN,
        summary="One answer with its evidence, its cost, and what has changed since.",
        reply=snapshots.KeptAnswerReply,
    ),
    Route(
        method="POST",
        path="/v1/admin/answers/{id}/replay",
        function="replies",
        access=Access.ADMIN,
        summary="Ask the same question again, keeping nothing of it, and compare.",
        reply=snapshots.ReplayReply,
        creates=True,
    ),
)
