"""Tools that an operator switches on with TOOL_PACKS; each folder here is a pack, but for those that begin with `_`."""
