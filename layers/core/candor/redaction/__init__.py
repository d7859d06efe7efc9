"""
Redaction: card numbers, secrets and personal data replaced by words that say what was there.

`mask_cards` stands before every store: a card number is kept nowhere. `masked` also takes passwords, keys and
tokens: what an asker may send to a search or a model. `mask` takes people's addresses too: what becomes
knowledge from somebody's correspondence. A company's own pages go through `mask_cards` alone: its support
address and telephone are what people ask for.

Every pattern is linear in the text's length, and masking twice is masking once.
"""

from collections.abc import Iterable

from candor.redaction.cards import mask_card_data, mask_cards, mask_cards_in, without_cards
from candor.redaction.commands import mask_commands
from candor.redaction.contacts import mask_contacts
from candor.redaction.credentials import mask_credentials
from candor.redaction.keys import mask_keys

__all__ = ["mask", "mask_cards", "mask_cards_in", "masked", "without_cards"]


def masked(text: str) -> str:
    """
    The text with card data, passwords, keys and tokens replaced by `[card]`, `[password]`, `[key]`.

    A word after "password is" that only describes it ("incorrect", "expired") stays.
    """
    return mask_commands(mask_credentials(mask_keys(mask_card_data(text))))


def mask(text: str, *, keep: Iterable[str] = ()) -> str:
    """
    `masked`, and e-mail addresses, telephones, bank accounts, postal and IP addresses.

    `keep` names what belongs to the company itself: an address, a domain as `@acme.com`, a telephone in any
    grouping. What documentation uses for examples (`user@example.com`, 192.0.2.1) and private networks stay.
    """
    return mask_contacts(masked(text), keep=keep)
