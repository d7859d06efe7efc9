"""Intents: questions an administrator has answered, recognised without a search and without a model."""
