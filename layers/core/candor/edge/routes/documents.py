"""Routes of documents: one by one, from files and from the web."""

from candor.edge.models import documents
from candor.edge.routes.row import Access, Route

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/v1/documents",
        function="documents",
        access=Access.API,
        summary="All documents, newest first.",
        query=documents.DocumentsQuery,
        reply=documents.DocumentsReply,
    ),
    Route(
        method="POST",
        path="/v1/documents",
        function="documents",
        access=Access.WRITE_DOCUMENTS,
        summary="Create a document, or change the one with this url.",
        body=documents.DocumentBody,
        reply=documents.DocumentReply,
        status=201,
        creates=True,
    ),
    Route(
        method="GET",
        path="/v1/documents/{id}",
        function="documents",
        access=Access.API,
        summary="One document with its contents.",
        reply=documents.DocumentReply,
    ),
    Route(
        method="PATCH",
        path="/v1/documents/{id}",
        function="documents",
        access=Access.WRITE_DOCUMENTS,
        summary="Change what is said about a document; fields left out keep their value.",
        body=documents.DocumentChangeBody,
        reply=documents.DocumentReply,
    ),
    Route(
        method="DELETE",
        path="/v1/documents/{id}",
        function="documents",
        access=Access.WRITE_DOCUMENTS,
        summary="Delete a document; it is gone from answers at once.",
        status=204,
    ),
)
