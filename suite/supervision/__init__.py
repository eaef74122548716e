"""Each task in a process of its own: whatever its code does, the run goes on."""
