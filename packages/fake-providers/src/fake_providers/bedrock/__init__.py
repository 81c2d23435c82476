"""A fake Amazon Bedrock for tests: Converse, ConverseStream and InvokeModel's embeddings over a real socket.

    bedrock = FakeBedrock(Says("Hola"), Fails("ThrottlingException"), credentials={"AKIDEXAMPLE": Secret("secret")})
    async with running(bedrock) as base_url: ...    # base_url is what boto3 takes as endpoint_url

It verifies signatures by botocore, validates bodies against the API's own model, and refuses what its rules forbid.
`FakeCredentials` serves the credentials of containers and web identities.
"""

from .behaviors import Embeds, Endless, Fails, Raises, Says
from .fake_bedrock import FakeBedrock
from .fake_credentials import FakeCredentials, Grant
from .frames import event, exception, frame
from .signatures import Secret

__all__ = [
    "Embeds", "Endless", "Fails", "FakeBedrock", "FakeCredentials", "Grant", "Raises", "Says", "Secret", "event",
    "exception", "frame",
]  # fmt: skip
