"""One way to train trials a file. Each has `train(request, plugin, clock) -> Trained`.

A module is imported in a child process of its own, whose environment is settled by then; whatever
it imports counts as the contender's start.
"""
