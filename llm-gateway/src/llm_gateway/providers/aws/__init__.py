"""AWS: Bedrock as a provider, and the credentials that its requests are signed with."""
