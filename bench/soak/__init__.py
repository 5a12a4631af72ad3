"""`make soak`: a whole system under mixed traffic of many clients, while its processes are killed at random; afterwards
everything that was acknowledged is there, once, and nothing else.

`SOAK_SECONDS` (600) of traffic, `SOAK_CLIENTS` (16), `SOAK_SEED` (else random; it is printed). Exit status 1 if
anything is not as docs/reliability.md promises.
"""
