"""Amazon Bedrock, spoken to a provider (`client`): Converse for answers, InvokeModel for embeddings.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

NAME = "bedrock"
"""The dialect of a canonical request that came in it, and of an endpoint that speaks it."""
