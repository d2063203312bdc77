"""People, conversations, turns, the ledger, jobs and models."""

from alembic import op

revision = "0001"
down_revision = None

PEOPLE = """
CREATE TABLE users (
    id text PRIMARY KEY,
    -- Compared in lower case; kept as the person wrote it.
    email text NOT NULL,
    email_normalised text NOT NULL UNIQUE,
    name text NOT NULL,
    password_hash text,
    role text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
    email_verified_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
-- A session is a family of refresh tokens: each use makes the next one.
CREATE TABLE sessions (
    id text PRIMARY KEY,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_reason text,
    user_agent text,
    address text
);
CREATE INDEX sessions_of_user ON sessions (user_id, last_used_at DESC);
CREATE INDEX sessions_by_end ON sessions (expires_at);
-- Kept as long as their session, so that an old one that comes back is known for what it is.
CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY,
    session_id text NOT NULL REFERENCES sessions ON DELETE CASCADE,
    generation integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz,
    UNIQUE (session_id, generation)
);
CREATE TABLE api_keys (
    id text PRIMARY KEY,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    name text NOT NULL,
    prefix text NOT NULL,
    key_hash bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_keys_of_user ON api_keys (user_id, created_at DESC);
"""

CONVERSATIONS = """
CREATE TABLE conversations (
    id text PRIMARY KEY,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    title text,
    -- Who gave the title: a person's is never overwritten by a job's.
    title_source text CHECK (title_source IN ('person', 'model')),
    model text,
    system_prompt text,
    -- The newest message of the visible path; its ancestors are the path.
    head_message_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE INDEX conversations_of_user ON conversations (user_id, updated_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE TABLE messages (
    id text PRIMARY KEY,
    conversation_id text NOT NULL REFERENCES conversations ON DELETE CASCADE,
    parent_id text REFERENCES messages ON DELETE CASCADE,
    -- Distance from the root, so that a page of the path can be asked for.
    depth integer NOT NULL,
    turn_id text,
    role text NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
    content text NOT NULL,
    status text NOT NULL CHECK (status IN ('complete', 'streaming', 'stopped', 'failed')),
    model text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX messages_of_conversation ON messages (conversation_id, depth);
CREATE INDEX messages_children ON messages (parent_id);
CREATE TABLE turns (
    id text PRIMARY KEY,
    conversation_id text NOT NULL REFERENCES conversations ON DELETE CASCADE,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    user_message_id text NOT NULL REFERENCES messages ON DELETE CASCADE,
    answer_message_id text NOT NULL REFERENCES messages ON DELETE CASCADE,
    model text NOT NULL,
    revision text NOT NULL,
    parameters jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL CHECK (status IN ('running', 'completed', 'stopped', 'failed')),
    trimmed_messages integer NOT NULL DEFAULT 0,
    finish_reason text,
    error jsonb,
    -- Where each piece of the answer ended, in characters: the live log can be replayed exactly.
    delta_ends integer[] NOT NULL DEFAULT '{}',
    prompt_tokens integer,
    completion_tokens integer,
    ttft_ms double precision,
    duration_ms double precision,
    replica text,
    traceparent text NOT NULL,
    -- Which process runs it, and until when it is believed to be alive.
    runner text NOT NULL,
    lease_until timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz
);
CREATE UNIQUE INDEX turns_one_running ON turns (conversation_id) WHERE status = 'running';
CREATE INDEX turns_leases ON turns (lease_until) WHERE status = 'running';
CREATE INDEX turns_of_user ON turns (user_id, created_at DESC);
"""

LEDGER = """
-- One row for every turn, API request or job that asked an engine: reserved once, settled once.
CREATE TABLE ledger_entries (
    id text PRIMARY KEY,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    key_id text REFERENCES api_keys ON DELETE SET NULL,
    kind text NOT NULL CHECK (kind IN ('turn', 'api', 'job')),
    -- The turn, the request or the job.
    reference text NOT NULL,
    model text NOT NULL,
    revision text NOT NULL,
    state text NOT NULL CHECK (state IN ('reserved', 'settled')),
    outcome text CHECK (outcome IN ('completed', 'stopped', 'failed', 'disconnected')),
    prompt_tokens integer NOT NULL DEFAULT 0,
    completion_tokens integer NOT NULL DEFAULT 0,
    -- False where the engine did not report and what passed by was counted.
    exact boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    UNIQUE (kind, reference)
);
CREATE INDEX ledger_of_user ON ledger_entries (user_id, created_at DESC);
"""

JOBS = """
CREATE TABLE jobs (
    id text PRIMARY KEY,
    kind text NOT NULL,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    idempotency_key text NOT NULL UNIQUE,
    payload jsonb NOT NULL,
    traceparent text NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'succeeded', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    -- Not before this moment; moves on after a failed attempt.
    due_at timestamptz NOT NULL DEFAULT now(),
    -- Rises with every claim: a worker whose number is older may no longer write.
    fence bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    -- When a message about it was last handed to Kafka; an old one with no claim since is sent again.
    published_at timestamptz,
    result jsonb,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX jobs_open ON jobs (due_at) WHERE state IN ('queued', 'running');
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key text NOT NULL,
    headers jsonb NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz
);
CREATE INDEX outbox_unsent ON outbox (id) WHERE sent_at IS NULL;
"""

MODELS = """
-- What should be served, and what was last seen of it. The reconciler makes the second follow the first.
CREATE TABLE model_revisions (
    name text NOT NULL,
    revision text NOT NULL,
    spec jsonb NOT NULL,
    desired text NOT NULL CHECK (desired IN ('serving', 'retired')),
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'starting', 'warming', 'ready', 'draining', 'retired', 'failed')),
    detail text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, revision)
);
"""


def upgrade() -> None:
    for block in (PEOPLE, CONVERSATIONS, LEDGER, JOBS, MODELS):
        for statement in block.split(";\n"):
            if statement.strip():
                op.execute(statement)


def downgrade() -> None:
    op.execute(
        "DROP TABLE model_revisions, outbox, jobs, ledger_entries, turns, messages, conversations, "
        "api_keys, refresh_tokens, sessions, users CASCADE"
    )
