"""The same prediction for lists that are too long for one process, on Dask."""
