"""Speed against git on one machine; `make bench` runs it and writes bench/results.md."""
