"""Probes: whether a service is there, said in a sentence that names what is not."""

import pytest
from moto import mock_aws

from candor.adapters import probes
from candor.errors import Unavailable
from tests.doubles import aws


@mock_aws
def test_the_queue_that_does_not_answer_is_named() -> None:
    probes._client.cache_clear()
    there = aws.create_queue()

    probes.queues_probe({"index": there, "source": there})()
    with pytest.raises(Unavailable, match="The export queue does not answer"):
        probes.queues_probe({"index": there, "export": there + "-gone"})()

    probes._client.cache_clear()
