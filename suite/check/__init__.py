"""Check: a task plugin examined for what would spoil its results, each finding with its remedy."""
