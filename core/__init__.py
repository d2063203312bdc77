"""What every package stands on: settings, errors, ids, time, logs, Postgres, Valkey and Kafka."""
