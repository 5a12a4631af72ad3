"""The audit trail once it is written: chained by digest, verified, searched and exported."""
