"""Shadows: revisions that get a copy of what another one is asked."""

from alembic import op

revision = "0012"
down_revision = "0011"

NAMES = """
-- Which revision gets a copy of how many requests in a hundred, and whether the texts are kept.
ALTER TABLE model_names ADD COLUMN shadow_revision text;
ALTER TABLE model_names ADD COLUMN shadow_percent integer NOT NULL DEFAULT 0
    CHECK (shadow_percent BETWEEN 0 AND 100);
ALTER TABLE model_names ADD COLUMN shadow_texts boolean NOT NULL DEFAULT false
"""

LEDGER = """
ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_kind_check;
ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_kind_check
    CHECK (kind IN ('turn', 'api', 'job', 'shadow'))
"""

ANSWERS = """
CREATE TABLE shadow_answers (
    id text PRIMARY KEY,
    -- Goes with the person and with the conversation, because what was said there is theirs.
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    conversation_id text REFERENCES conversations ON DELETE CASCADE,
    name text NOT NULL,
    revision text NOT NULL,
    shadow_revision text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('answered', 'failed')),
    detail text,
    -- How much of the two texts is the same. Null where the shadow failed.
    likeness double precision,
    -- Each {text, completion_tokens, first_ms, duration_ms, finish_reason}. Text is null unless it is kept.
    live jsonb NOT NULL,
    shadow jsonb NOT NULL,
    prompt text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX shadow_answers_by_name ON shadow_answers (name, created_at DESC);
CREATE INDEX shadow_answers_by_time ON shadow_answers (created_at);
CREATE INDEX shadow_answers_by_user ON shadow_answers (user_id);
CREATE INDEX shadow_answers_by_conversation ON shadow_answers (conversation_id)
"""


def upgrade() -> None:
    for statement in (*NAMES.split(";"), *LEDGER.split(";"), *ANSWERS.split(";")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE shadow_answers")
    op.execute("DELETE FROM ledger_entries WHERE kind = 'shadow'")
    op.execute("ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_kind_check")
    op.execute(
        "ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_kind_check "
        "CHECK (kind IN ('turn', 'api', 'job'))"
    )
    op.execute(
        "ALTER TABLE model_names DROP COLUMN shadow_revision, DROP COLUMN shadow_percent, "
        "DROP COLUMN shadow_texts"
    )
