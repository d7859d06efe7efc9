"""Integrations in memory: the way in, the worker behind it, and the systems at the other end on loopback."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from candor.adapters.http_fetcher import HttpFetcher
from candor.adapters.memory_config import MemoryAlerts, MemoryConfigStore
from candor.adapters.memory_hooks import MemoryHooks
from candor.adapters.memory_storage import MemoryQueue
from candor.adapters.memory_vault import MemoryVault
from candor.bitrix24.channel import Bitrix24Channel
from candor.bitrix24.receiving import Bitrix24Receiving
from candor.config.bitrix24 import BITRIX24
from candor.config.service import Configuration
from candor.config.whmcs import WHMCS
from candor.config.whmcs_notes import WHMCS_NOTES
from candor.inbox.attending import Attending
from candor.inbox.receiving import Receiving
from candor.inbox.values import Source
from candor.messages import MessageToAnswer
from candor.webhooks.service import Webhooks
from candor.whmcs.crawl.opening import access_of
from candor.whmcs.notes.channel import Notes, WhmcsNotesChannel
from candor.whmcs.notes.receiving import WhmcsReceiving
from candor.whmcs.site.reading import open_api
from tests.doubles.talks import Talks


@dataclass(kw_only=True)
class Integrations:
    """`origins`: of the loopback servers that the other systems are."""

    origins: Sequence[str] = ()
    talks: Talks = field(default_factory=Talks)
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    webhook_queue: MemoryQueue = field(default_factory=MemoryQueue)
    alerts: MemoryAlerts = field(default_factory=MemoryAlerts)
    hooks: MemoryHooks = field(default_factory=MemoryHooks)
    vault: MemoryVault = field(default_factory=MemoryVault)

    def __post_init__(self) -> None:
        self.inbox = self.talks.inbox
        self.fetcher = HttpFetcher(version="0", allowed_origins=self.origins, connect_seconds=30)
        self.configuration = Configuration(
            store=MemoryConfigStore(),
            vault=self.vault,
            sections=[WHMCS, BITRIX24, WHMCS_NOTES],
            check_address=self.fetcher.check,
        )
        self.receiving = Receiving(inbox=self.inbox, queue=self.queue)
        self.webhooks = Webhooks(
            hooks=self.hooks,
            vault=self.vault,
            queue=self.webhook_queue,
            alerts=self.alerts,
            check_address=self.fetcher.check,
        )
        self.bitrix24 = Bitrix24Receiving(
            configuration=self.configuration, receiving=self.receiving, vault=self.vault, alerts=self.alerts
        )
        self.whmcs = WhmcsReceiving(configuration=self.configuration, receiving=self.receiving)
        self.attending = Attending(
            inbox=self.inbox,
            access=self.talks.access,
            replying=self.talks.replying,
            channels={
                Source.BITRIX24: Bitrix24Channel(
                    configuration=self.configuration,
                    fetcher=self.fetcher,
                    vault=self.vault,
                    alerts=self.alerts,
                ),
                Source.WHMCS: WhmcsNotesChannel(open_notes=self._open_notes, alerts=self.alerts),
            },
        )

    def work(self) -> dict[int, BaseException]:
        """Answer what waits, as one batch; what failed, by its place in it, waits again."""
        waiting = [MessageToAnswer(**json.loads(message.to_json())) for message in self.queue.take(100)]
        failed = dict(self.attending.attend(waiting))
        self.queue.send(*(waiting[index] for index in failed))
        return failed

    def _open_notes(self) -> Notes:
        return open_api(access_of(self.configuration.opened(WHMCS.name), {"area": "admin"}), self.fetcher)
