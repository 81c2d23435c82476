"""Made by `scripts/generate_proto.py` from `llm-gateway/proto`; not edited by hand."""
