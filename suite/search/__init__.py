"""Hyperparameter search: spaces, tuners, their conversations and their records."""
