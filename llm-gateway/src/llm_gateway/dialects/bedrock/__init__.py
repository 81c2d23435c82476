"""Amazon Bedrock's Converse and ConverseStream as a client speaks them (`client`), and its embeddings.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""
