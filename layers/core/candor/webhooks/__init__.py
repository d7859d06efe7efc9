"""Webhooks: other systems are told what happened here, signed, and again until they have heard it."""
