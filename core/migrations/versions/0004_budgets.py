"""Budgets, what they are counted by, keys that make a repeated request safe, and what the engines counted."""

from alembic import op

revision = "0004"
down_revision = "0003"

BUDGETS = """
-- Tokens a day and a month (UTC). NULL: for a person what the settings say, for a key no bound of its own.
ALTER TABLE users
    ADD COLUMN tokens_per_day bigint CHECK (tokens_per_day >= 0),
    ADD COLUMN tokens_per_month bigint CHECK (tokens_per_month >= 0);
ALTER TABLE api_keys
    ADD COLUMN tokens_per_day bigint CHECK (tokens_per_day >= 0),
    ADD COLUMN tokens_per_month bigint CHECK (tokens_per_month >= 0);
-- What a person or a key has used and holds in one period: the one row that admission updates. It is counted
-- for everybody, so that a budget which is set later finds what was used before.
CREATE TABLE usage_periods (
    -- The id of a user or of a key.
    subject text NOT NULL,
    period text NOT NULL CHECK (period IN ('day', 'month')),
    starts_on date NOT NULL,
    used bigint NOT NULL DEFAULT 0,
    reserved bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (subject, period, starts_on)
);
CREATE INDEX usage_periods_by_start ON usage_periods (starts_on);
"""

LEDGER = """
ALTER TABLE ledger_entries
    DROP CONSTRAINT ledger_entries_state_check,
    -- lapsed: whoever held the reservation is gone; it was given back, and what it cost may come later.
    ADD CONSTRAINT ledger_entries_state_check CHECK (state IN ('reserved', 'settled', 'lapsed')),
    ADD COLUMN reserved_tokens bigint NOT NULL DEFAULT 0,
    -- Until when a reservation is believed without being renewed; NULL where a turn's lease says so.
    ADD COLUMN expires_at timestamptz,
    -- What the engine's request that came to its end did; those that were cut off are in engine_records.
    ADD COLUMN finished_prompt_tokens integer NOT NULL DEFAULT 0,
    ADD COLUMN finished_completion_tokens integer NOT NULL DEFAULT 0,
    -- What engines did beyond what is charged: work repeated by a takeover, or made and never delivered.
    ADD COLUMN overhead_prompt_tokens integer NOT NULL DEFAULT 0,
    ADD COLUMN overhead_completion_tokens integer NOT NULL DEFAULT 0;
CREATE INDEX ledger_open ON ledger_entries (expires_at) WHERE state = 'reserved' AND expires_at IS NOT NULL;
CREATE INDEX ledger_by_time ON ledger_entries (created_at);
UPDATE ledger_entries
    SET finished_prompt_tokens = prompt_tokens, finished_completion_tokens = completion_tokens
    WHERE outcome = 'completed' AND exact;
INSERT INTO usage_periods (subject, period, starts_on, used)
    SELECT subject, period, date_trunc(period, created_at AT TIME ZONE 'UTC')::date,
        sum(prompt_tokens + completion_tokens)
    FROM ledger_entries
    CROSS JOIN LATERAL (VALUES (user_id), (key_id)) AS s(subject)
    CROSS JOIN (VALUES ('day'), ('month')) AS p(period)
    WHERE subject IS NOT NULL AND state = 'settled'
        AND created_at >= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
    GROUP BY 1, 2, 3
"""

IDEMPOTENCY = """
CREATE TABLE idempotency_keys (
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    key text NOT NULL,
    -- Of the method, the address and the body.
    fingerprint bytea NOT NULL,
    -- The id of what the request makes: that it exists is what says that the request took effect.
    reference text NOT NULL,
    claimed_until timestamptz NOT NULL,
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_by_time ON idempotency_keys (created_at);
"""

ENGINES = """
-- The last figures of every replica that ever reported: they only rise, so their sum is what the engines did.
CREATE TABLE engine_counters (
    replica text PRIMARY KEY,
    model text NOT NULL,
    revision text NOT NULL,
    requests bigint NOT NULL,
    prompt_tokens bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    -- What was booked before the first of these is compared with nothing.
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now()
);
-- Requests that an engine did not bring to their end: the caller left, or it failed.
CREATE TABLE engine_records (
    replica text NOT NULL,
    number bigint NOT NULL,
    reference text NOT NULL,
    prompt_tokens integer NOT NULL,
    completion_tokens integer NOT NULL,
    -- False where frames were counted because the engine did not say.
    exact boolean NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    applied_at timestamptz,
    PRIMARY KEY (replica, number)
);
CREATE INDEX engine_records_open ON engine_records (seen_at) WHERE applied_at IS NULL;
CREATE INDEX engine_records_of ON engine_records (reference)
"""


def upgrade() -> None:
    for block in (BUDGETS, LEDGER, IDEMPOTENCY, ENGINES):
        for statement in block.split(";\n"):
            if statement.strip():
                op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE engine_records, engine_counters, idempotency_keys, usage_periods")
    op.execute("DROP INDEX ledger_open, ledger_by_time")
    op.execute("UPDATE ledger_entries SET state = 'settled' WHERE state = 'lapsed'")
    op.execute(
        "ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_state_check, "
        "ADD CONSTRAINT ledger_entries_state_check CHECK (state IN ('reserved', 'settled')), "
        "DROP COLUMN reserved_tokens, DROP COLUMN expires_at, DROP COLUMN finished_prompt_tokens, "
        "DROP COLUMN finished_completion_tokens, DROP COLUMN overhead_prompt_tokens, "
        "DROP COLUMN overhead_completion_tokens"
    )
    for table in ("users", "api_keys"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN tokens_per_day, DROP COLUMN tokens_per_month")
