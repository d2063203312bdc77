"""Who gets a model's traffic, promotions of one revision over another, and what each revision did."""

from alembic import op

revision = "0010"
down_revision = "0009"

TRAFFIC = """
ALTER TABLE model_revisions
    -- Who decided about this model: the settings of a start, or an operator, whom no start overrules.
    ADD COLUMN origin text NOT NULL DEFAULT 'settings' CHECK (origin IN ('settings', 'operator')),
    -- The revision's share of the conversations and keys, relative to the other revisions of its name.
    ADD COLUMN weight integer NOT NULL DEFAULT 0 CHECK (weight BETWEEN 0 AND 100),
    ADD COLUMN replicas integer NOT NULL DEFAULT 0,
    -- From when on it may be taken down: by then every gateway knows that it gets no new requests.
    ADD COLUMN retire_at timestamptz;
ALTER TABLE model_revisions DROP CONSTRAINT model_revisions_desired_check;
ALTER TABLE model_revisions ADD CONSTRAINT model_revisions_desired_check
    CHECK (desired IN ('added', 'serving', 'retired'));
ALTER TABLE model_revisions DROP CONSTRAINT model_revisions_state_check;
ALTER TABLE model_revisions ADD CONSTRAINT model_revisions_state_check CHECK (state IN
    ('added', 'pending', 'starting', 'warming', 'ready', 'draining', 'retired', 'failed'));
UPDATE model_revisions SET weight = 100 WHERE (name, revision) IN (
    SELECT DISTINCT ON (name) name, revision FROM model_revisions WHERE desired = 'serving'
    ORDER BY name, (state = 'ready') DESC, created_at DESC);
CREATE TABLE model_names (
    name text PRIMARY KEY,
    -- Asked in its place while it does not answer, and only before the first token.
    fallback text CHECK (fallback <> name)
);
INSERT INTO model_names (name) SELECT DISTINCT name FROM model_revisions
"""

FIGURES = """
CREATE TABLE revision_minutes (
    name text NOT NULL,
    revision text NOT NULL,
    minute timestamptz NOT NULL,
    requests integer NOT NULL,
    errors integer NOT NULL,
    prompt_tokens bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    PRIMARY KEY (name, revision, minute)
);
CREATE INDEX revision_minutes_by_time ON revision_minutes (minute);
-- How long people waited for the first token: the number of requests in each bucket of a logarithmic scale.
CREATE TABLE revision_waits (
    name text NOT NULL,
    revision text NOT NULL,
    minute timestamptz NOT NULL,
    bucket smallint NOT NULL,
    requests integer NOT NULL,
    PRIMARY KEY (name, revision, minute, bucket)
);
CREATE INDEX revision_waits_by_time ON revision_waits (minute);
-- Ratings count for the revision that wrote the answer, from when they were given.
ALTER TABLE messages ADD COLUMN rated_at timestamptz;
UPDATE messages SET rated_at = created_at WHERE rating IS NOT NULL;
CREATE INDEX messages_rated ON messages (rated_at) WHERE rated_at IS NOT NULL;
-- Who answered, where that is not who was to when the turn began.
ALTER TABLE turns ADD COLUMN served_model text, ADD COLUMN served_revision text
"""

PROMOTIONS = """
CREATE TABLE promotions (
    id text PRIMARY KEY,
    name text NOT NULL,
    revision text NOT NULL,
    -- Each revision's weight before it began: where a promotion that goes back goes back to.
    before jsonb NOT NULL,
    plan jsonb NOT NULL,
    state text NOT NULL
        CHECK (state IN ('warming', 'moving', 'draining', 'promoted', 'rolled_back', 'failed')),
    -- Which step of the plan it is at, since when, and what the figures were then.
    step integer NOT NULL DEFAULT -1,
    step_began_at timestamptz,
    baseline jsonb,
    -- Steps that are over, with their figures.
    steps jsonb NOT NULL DEFAULT '[]',
    detail text,
    stop_asked boolean NOT NULL DEFAULT false,
    started_by text NOT NULL,
    -- Filled when it ends: everything that was asked for and seen.
    receipt jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);
CREATE UNIQUE INDEX promotions_running ON promotions (name) WHERE ended_at IS NULL;
CREATE INDEX promotions_of_name ON promotions (name, created_at DESC)
"""


def upgrade() -> None:
    for part in (TRAFFIC, FIGURES, PROMOTIONS):
        for statement in part.split(";\n"):
            if statement.strip():
                op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE promotions, revision_waits, revision_minutes, model_names")
    op.execute("ALTER TABLE messages DROP COLUMN rated_at")
    op.execute("ALTER TABLE turns DROP COLUMN served_model, DROP COLUMN served_revision")
    op.execute("DELETE FROM model_revisions WHERE desired = 'added'")
    op.execute(
        "ALTER TABLE model_revisions DROP COLUMN origin, DROP COLUMN weight, DROP COLUMN replicas, "
        "DROP COLUMN retire_at"
    )
    op.execute("ALTER TABLE model_revisions DROP CONSTRAINT model_revisions_desired_check")
    op.execute(
        "ALTER TABLE model_revisions ADD CONSTRAINT model_revisions_desired_check "
        "CHECK (desired IN ('serving', 'retired'))"
    )
    op.execute("ALTER TABLE model_revisions DROP CONSTRAINT model_revisions_state_check")
    op.execute(
        "ALTER TABLE model_revisions ADD CONSTRAINT model_revisions_state_check CHECK (state IN "
        "('pending', 'starting', 'warming', 'ready', 'draining', 'retired', 'failed'))"
    )
