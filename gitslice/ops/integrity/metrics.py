from prometheus_client import Counter, Gauge

PACKS = Counter("gitslice_fsck_packs", "Packs that scheduled checks have read")
BYTES = Counter("gitslice_fsck_bytes", "Bytes of packs that scheduled checks have read")
COMMITS = Counter("gitslice_fsck_commits", "Commits that scheduled checks have recomputed")
DAMAGE = Gauge(
    "gitslice_damage", "What checks have found wrong and is not mended", multiprocess_mode="mostrecent"
)
