"""Sweeps: one video for each combination of values, in this process or on Dask workers.

`jobs` says what is to be made, `making` makes one video, `store` keeps it, `batch` runs them all;
`command` is `fyp-lite sweep`. Sheets and the panel are in `lessons`.
"""
