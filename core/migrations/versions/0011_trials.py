"""Revisions that are tried: two side by side, and one against a set of prompts with checks."""

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

EVALUATIONS = """
CREATE TABLE eval_sets (
    name text PRIMARY KEY,
    -- Who pays for its runs.
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    digest text NOT NULL,
    pass_share double precision NOT NULL CHECK (pass_share > 0 AND pass_share <= 1),
    cases jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX eval_sets_by_user ON eval_sets (user_id);
CREATE TABLE eval_runs (
    id text PRIMARY KEY,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    set_name text NOT NULL,
    digest text NOT NULL,
    pass_share double precision NOT NULL,
    -- As they were when it began, so that it can be repeated.
    cases jsonb NOT NULL,
    name text NOT NULL,
    revision text NOT NULL,
    -- Whose traffic waits for it.
    promotion_id text,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'passed', 'failed', 'broken')),
    detail text,
    results jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);
CREATE INDEX eval_runs_by_name ON eval_runs (name, created_at DESC);
CREATE INDEX eval_runs_by_user ON eval_runs (user_id);
CREATE INDEX eval_runs_by_promotion ON eval_runs (promotion_id) WHERE promotion_id IS NOT NULL
"""


def upgrade() -> None:
    for statement in (*COMPARISONS.split(";"), *EVALUATIONS.split(";")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE eval_runs, eval_sets, comparisons")
