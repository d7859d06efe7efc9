"""Passages and documents for tests: a short way to write one, and a small corpus in three languages."""

from datetime import UTC, datetime
from typing import Any

from candor.documents import Document, Status
from candor.search import Passage


def document(**said: Any) -> Document:
    """One that has been indexed, with what is said of it."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    plain: dict[str, Any] = {
        "document_id": "d",
        "url": "https://example.com/d",
        "title": "",
        "doc_type": "other",
        "source": "api",
        "version": 1,
        "served_version": 1,
        "status": Status.INDEXED,
        "error": None,
        "chunks_count": 0,
        "checksum": "",
        "effective_date": None,
        "product": None,
        "region": None,
        "metadata": {},
        "deleted": False,
        "job_id": None,
        "created_at": at,
        "updated_at": at,
    }
    return Document(**(plain | said))


def passage(
    text: str,
    *,
    document: str = "doc",
    version: int = 1,
    ordinal: int = 0,
    title: str = "",
    path: str = "",
    doc_type: str = "faq",
    source: str = "api",
    language: str = "en",
    status: str = "approved",
) -> Passage:
    return Passage(
        document_id=document,
        version=version,
        ordinal=ordinal,
        title=title,
        path=path,
        text=text,
        url=f"https://example.com/{document}",
        doc_type=doc_type,
        source=source,
        language=language,
        status=status,
    )


CORPUS = (
    passage(
        "Every plan can be cancelled within thirty days and the whole price is returned to the card.",
        document="refunds",
        title="Refunds",
        path="Billing › Money back",
        doc_type="policy",
    ),
    passage(
        "Open the control panel, choose Backups and press Restore. The last seven nights are kept.",
        document="backups",
        title="Restore a backup",
        path="Hosting › Backups",
        doc_type="howto",
        source="crawl",
    ),
    passage(
        "Point the A record to the address of your server. A change of DNS takes up to a day.",
        document="dns",
        title="Change DNS records",
        path="Domains",
        doc_type="howto",
        source="crawl",
    ),
    passage(
        "A VPS starts at five euros a month. Backups cost one euro more. Prices include tax.",
        document="prices",
        title="VPS prices",
        doc_type="pricing",
    ),
    passage(
        "The password is changed in the client area under Security. A link is sent by email.",
        document="password",
        title="Change your password",
        doc_type="howto",
        status="draft",
    ),
    passage(
        "Чтобы вернуть деньги, откройте тикет в течение тридцати дней после покупки хостинга.",
        document="vozvrat",
        title="Возврат денег",
        language="ru",
        doc_type="policy",
    ),
    passage(
        "Щоб відновити резервну копію, відкрийте панель керування та оберіть розділ «Копії».",
        document="kopiyi",
        title="Відновлення резервної копії",
        language="uk",
        doc_type="howto",
    ),
)
