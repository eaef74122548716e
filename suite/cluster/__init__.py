"""The same plan on many machines: a Dask scheduler hands chunks of trials to worker processes."""
