"""Bitrix24: a chat-bot of its Open Lines, whose events come in and whose answers go out by its REST API."""
