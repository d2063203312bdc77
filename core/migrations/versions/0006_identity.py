"""Mail, one-time links, second factors, fresh sign-ins, and the audit log."""

from alembic import op

revision = "0006"
down_revision = "0005"

ACCOUNTS = """
ALTER TABLE users
    -- Whether the password is long enough to be the only factor.
    ADD COLUMN password_long boolean NOT NULL DEFAULT true,
    ADD COLUMN password_changed_at timestamptz,
    ADD COLUMN language text,
    ADD COLUMN time_zone text;
ALTER TABLE users DROP CONSTRAINT users_role_check;
ALTER TABLE users ADD CONSTRAINT users_role_check CHECK (role IN ('user', 'operator', 'admin'));
ALTER TABLE sessions
    -- When its person last proved who they are, and whether with a second factor.
    ADD COLUMN authenticated_at timestamptz,
    ADD COLUMN second_factor boolean NOT NULL DEFAULT false;
UPDATE sessions SET authenticated_at = created_at;
ALTER TABLE sessions ALTER COLUMN authenticated_at SET NOT NULL;
"""

KEYS = """
-- Names of models that a key may ask; NULL: all of them.
ALTER TABLE api_keys ADD COLUMN models text[];
"""

MAIL = """
-- Mails that are to be written and sent. No text of a mail, and no secret, is kept here: a link is made
-- at the moment of sending.
CREATE TABLE mail_orders (
    id text PRIMARY KEY,
    kind text NOT NULL,
    recipient text NOT NULL,
    -- NULL: whoever has the address, if anybody.
    user_id text REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    next_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0
);
CREATE INDEX mail_orders_by_time ON mail_orders (next_at);
CREATE TABLE one_time_links (
    token_hash bytea PRIMARY KEY,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    purpose text NOT NULL CHECK (purpose IN ('verify_email', 'reset_password', 'change_email')),
    -- The address that it proves.
    email text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX one_time_links_of_user ON one_time_links (user_id, purpose);
CREATE INDEX one_time_links_by_end ON one_time_links (expires_at);
"""

SECOND_FACTORS = """
CREATE TABLE totp_factors (
    user_id text PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    secret text NOT NULL,
    created_at timestamptz NOT NULL,
    -- NULL: begun, and not in force.
    confirmed_at timestamptz,
    -- The newest time step whose code was taken: none is taken twice.
    last_step bigint NOT NULL DEFAULT 0
);
CREATE TABLE recovery_codes (
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    code_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);
"""

INVITATIONS = """
CREATE TABLE invitations (
    id text PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    -- NULL: whoever has the link.
    email text,
    role text NOT NULL CHECK (role IN ('user', 'operator', 'admin')),
    invited_by text REFERENCES users ON DELETE SET NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_by text REFERENCES users ON DELETE SET NULL,
    used_at timestamptz
);
CREATE INDEX invitations_by_time ON invitations (created_at DESC, id DESC);
"""

AUDIT = """
CREATE TABLE audit_events (
    number bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('done', 'refused')),
    -- Plain texts, not references: what was done outlives who did it.
    actor text,
    target text,
    address text,
    request_id text,
    detail jsonb NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL
);
CREATE INDEX audit_events_by_actor ON audit_events (actor, number DESC);
CREATE INDEX audit_events_by_target ON audit_events (target, number DESC);
CREATE INDEX audit_events_by_action ON audit_events (action, number DESC);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit log is only added to'; END $$;
CREATE TRIGGER audit_events_are_kept BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_events_are_not_emptied BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    for block in (ACCOUNTS, KEYS, MAIL, SECOND_FACTORS, INVITATIONS, AUDIT):
        for statement in block.split(";\n"):
            if statement.strip():
                op.execute(statement)


def downgrade() -> None:
    op.execute(
        "DROP TABLE audit_events, invitations, recovery_codes, totp_factors, one_time_links, mail_orders"
    )
    op.execute("DROP FUNCTION refuse_change")
    op.execute("ALTER TABLE api_keys DROP COLUMN models")
    op.execute("UPDATE users SET role = 'user' WHERE role = 'operator'")
    op.execute("ALTER TABLE users DROP CONSTRAINT users_role_check")
    op.execute("ALTER TABLE users ADD CONSTRAINT users_role_check CHECK (role IN ('user', 'admin'))")
    op.execute("ALTER TABLE sessions DROP COLUMN authenticated_at, DROP COLUMN second_factor")
    op.execute(
        "ALTER TABLE users DROP COLUMN password_long, DROP COLUMN password_changed_at, "
        "DROP COLUMN language, DROP COLUMN time_zone"
    )
