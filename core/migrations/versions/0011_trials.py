"""Revisions side by side: what two of them said to one prompt, and which answer somebody preferred."""

from alembic import op

revision = "0011"
down_revision = "0010"

COMPARISONS = """
CREATE TABLE comparisons (
    id text PRIMARY KEY,
    -- Goes with the person: the prompt is theirs.
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    name text NOT NULL,
    prompt text NOT NULL,
    system_prompt text,
    -- Each {revision, text, completion_tokens, first_ms, duration_ms}.
    left_answer jsonb NOT NULL,
    right_answer jsonb NOT NULL,
    choice text NOT NULL CHECK (choice IN ('left', 'right', 'both', 'neither')),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX comparisons_by_name ON comparisons (name, created_at DESC);
CREATE INDEX comparisons_by_user ON comparisons (user_id)
"""


def upgrade() -> None:
    for statement in COMPARISONS.split(";"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE comparisons")
