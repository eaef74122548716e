"""The charts of the report, one file a kind; each takes frames and returns a `Drawing`."""
