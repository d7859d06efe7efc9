"""OpenSearch without Docker: a real single node for tests and developers."""
