"""Engines: ways to train trials. No caller knows which one it has."""
