"""Sweeps: one video for each combination of values, in this process or on Dask workers.

`axes` says what is to be made, `worker` makes one video, `store` keeps it, `run` has `batch`, which
makes them all, `cluster` has Dask, and `sheet` shows a sweep of one or two axes.
"""
