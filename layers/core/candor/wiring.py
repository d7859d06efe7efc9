"""
Wiring: which adapter stands behind which port.

The only module that imports adapters. Each builder runs once per sandbox, on first use, and
imports its library inside, so a function pays only for what it asks for.
"""
