"""Tool packs, which an operator switches on with TOOL_PACKS. Each folder here is a pack, except those whose names begin
with `_`."""
