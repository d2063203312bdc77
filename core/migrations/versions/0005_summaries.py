"""Summaries of what no longer fits a window, ratings, jobs that people list, models that are waking."""

from alembic import op

revision = "0005"
down_revision = "0004"

SUMMARIES = """
ALTER TABLE conversations ADD COLUMN summarise boolean NOT NULL DEFAULT false;
-- How many of the trimmed messages the model read a summary of.
ALTER TABLE turns ADD COLUMN summarised_messages integer NOT NULL DEFAULT 0;
-- Of everything from the root of the conversation to one message: a branch above it shares it.
CREATE TABLE summaries (
    message_id text PRIMARY KEY REFERENCES messages ON DELETE CASCADE,
    conversation_id text NOT NULL REFERENCES conversations ON DELETE CASCADE,
    messages integer NOT NULL,
    text text NOT NULL,
    model text NOT NULL,
    tokens integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX summaries_of_conversation ON summaries (conversation_id);
"""

RATINGS = """
ALTER TABLE messages ADD COLUMN rating text CHECK (rating IN ('up', 'down'))
"""

JOBS = """
CREATE INDEX jobs_of_user ON jobs (user_id, created_at DESC, id DESC);
-- The next one goes on where this one ends.
CREATE UNIQUE INDEX jobs_one_summary ON jobs ((payload ->> 'conversation_id'))
    WHERE kind = 'summary' AND state IN ('queued', 'running');
"""

MODELS = """
ALTER TABLE model_revisions ADD COLUMN waking_since timestamptz DEFAULT now();
UPDATE model_revisions SET waking_since = NULL WHERE state NOT IN ('pending', 'starting', 'warming');
"""


def upgrade() -> None:
    for block in (SUMMARIES, RATINGS, JOBS, MODELS):
        for statement in block.split(";\n"):
            if statement.strip():
                op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE model_revisions DROP COLUMN waking_since")
    op.execute("DROP INDEX jobs_one_summary, jobs_of_user")
    op.execute("ALTER TABLE messages DROP COLUMN rating")
    op.execute("DROP TABLE summaries")
    op.execute("ALTER TABLE turns DROP COLUMN summarised_messages")
    op.execute("ALTER TABLE conversations DROP COLUMN summarise")
