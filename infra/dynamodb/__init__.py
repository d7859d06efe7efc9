"""DynamoDB Local without Docker: AWS's own engine for tests of the DynamoDB adapters."""
