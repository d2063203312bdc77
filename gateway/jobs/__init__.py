"""Work that happens later: rows in Postgres, messages in Kafka, a worker that does it."""
