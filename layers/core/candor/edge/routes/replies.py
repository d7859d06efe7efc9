"""Routes of replies: single questions and their answers."""

from candor.edge.models import answers
from candor.edge.routes.row import Access, Route

ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/v1/reply/generate",
        function="replies",
        access=Access.API,
        summary="Suggest a reply to a customer's question. Nothing is stored but the answer's evidence.",
        body=answers.ReplyBody,
        query=answers.DebugQuery,
        reply=answers.SuggestedReply,
        creates=True,
    ),
    Route(
        method="POST",
        path="/api/v1/query",
        function="replies",
        access=Access.PUBLIC_QUERY,
        summary="Answer a question; with a session_id the last turns are remembered.",
        body=answers.QueryBody,
        reply=answers.QueryReply,
        creates=True,
        missing={"query": "Missing 'query' field in request body."},
        says_error=True,
    ),
)
