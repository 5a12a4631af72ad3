from prometheus_client import Histogram

DETECTION_SECONDS = Histogram(
    "gitslice_conflict_detection_seconds",
    "From the change that made it necessary to the conflicts of a changeset being up to date",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
