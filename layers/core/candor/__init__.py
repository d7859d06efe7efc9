"""Candor: answers to support questions, from a company's own documents, with the evidence shown."""

VERSION = "0.1.0"
