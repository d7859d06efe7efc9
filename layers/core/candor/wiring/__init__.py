"""
Wiring: which adapter stands behind which port.

The only package that imports adapters. Each builder runs once per sandbox, on first use, and
imports its library inside, so a function pays only for what it asks for.
"""

from candor.wiring.answers import (
    answering,
    health,
    snapshots,
)
from candor.wiring.environment import (
    app,
    environment,
    stores,
)
from candor.wiring.gatehouse import (
    accounts,
    counters,
    gate,
    login,
    once,
    passwords,
    sessions,
    signer,
    token_desk,
    users,
)
from candor.wiring.knowledge import (
    documents,
    index_graveyard,
    index_queue,
    ingesting,
    jobs,
    objects,
    source_graveyard,
    source_queue,
    source_runs,
)
from candor.wiring.search import (
    embedder,
    indexing,
    keywords,
    model_settings,
    reconciling,
    retrieval,
    search_settings,
    vectors,
)

__all__ = [
    "accounts",
    "answering",
    "app",
    "counters",
    "documents",
    "embedder",
    "environment",
    "gate",
    "health",
    "index_graveyard",
    "index_queue",
    "indexing",
    "ingesting",
    "jobs",
    "keywords",
    "login",
    "model_settings",
    "objects",
    "once",
    "passwords",
    "reconciling",
    "retrieval",
    "search_settings",
    "sessions",
    "signer",
    "snapshots",
    "source_graveyard",
    "source_queue",
    "source_runs",
    "stores",
    "token_desk",
    "users",
    "vectors",
]
