"""Pinned and archived conversations, their parameters, search, share links, a library of prompts."""

from alembic import op

revision = "0003"
down_revision = "0002"

CONVERSATIONS = """
ALTER TABLE conversations
    ADD COLUMN pinned boolean NOT NULL DEFAULT false,
    ADD COLUMN archived boolean NOT NULL DEFAULT false,
    ADD COLUMN parameters jsonb NOT NULL DEFAULT '{}';
DROP INDEX conversations_of_user;
CREATE INDEX conversations_of_user
    ON conversations (user_id, archived, pinned DESC, updated_at DESC, id DESC) WHERE deleted_at IS NULL;
-- What a search has to leave out, and what is purged when its time is over.
CREATE INDEX conversations_deleted_of_user ON conversations (user_id) WHERE deleted_at IS NOT NULL;
CREATE INDEX conversations_deleted ON conversations (deleted_at) WHERE deleted_at IS NOT NULL;
-- A conversation's whole tree is read in this order.
DROP INDEX messages_of_conversation;
CREATE INDEX messages_of_conversation ON messages (conversation_id, depth, id);
-- Without these, every message that is purged would read all turns.
CREATE INDEX turns_of_conversation ON turns (conversation_id);
CREATE INDEX turns_of_user_message ON turns (user_message_id);
CREATE INDEX turns_of_answer ON turns (answer_message_id);
"""

SEARCH = """
-- Punctuation becomes space, so that the parser finds words where it would otherwise find addresses, paths,
-- tags and numbers with signs; characters of scripts that are written without spaces are words by themselves.
-- Only so much of a long text is looked at that the result always fits into a tsvector.
CREATE FUNCTION search_text(content text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length(plain) = char_length(plain) THEN plain ELSE regexp_replace(
        plain, '([\\u3040-\\u30ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff])', ' \\1 ', 'g') END
    FROM (SELECT translate(
        left(content, 50000), '!"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~', repeat(' ', 32)) AS plain) AS cleaned
$$;
-- The words of a text, each behind a mark.
CREATE FUNCTION search_words(mark text, content text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT coalesce(
        string_agg('''' || mark || lexeme || ''':' || array_to_string(positions, ','), ' '), ''
    )::tsvector
    FROM unnest(to_tsvector('pg_catalog.simple', search_text(content)))
$$;
-- The mark says whose words they are, and of which two thousand messages of theirs: so a search costs what
-- the person's own messages cost, newest first, and can end when it has enough.
CREATE FUNCTION search_mark(owner text, messages bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT right(owner, 8) || lpad(to_hex(least(messages / 2048, 65535)), 4, '0')
$$;
CREATE FUNCTION search_title_mark(owner text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT right(owner, 8) || 'name'
$$;
CREATE TABLE search_owners (
    user_id text PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    -- How many messages were ever made searchable.
    messages bigint NOT NULL
);
-- One row for every title (without a message) and every settled message.
CREATE TABLE search_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text NOT NULL,
    conversation_id text NOT NULL REFERENCES conversations ON DELETE CASCADE,
    message_id text UNIQUE,
    created_at timestamptz NOT NULL,
    words tsvector NOT NULL
);
CREATE INDEX search_entries_of_conversation ON search_entries (conversation_id);
CREATE UNIQUE INDEX search_entries_of_title ON search_entries (conversation_id) WHERE message_id IS NULL;
INSERT INTO search_entries (user_id, conversation_id, message_id, created_at, words)
    SELECT c.user_id, c.id, NULL, c.created_at,
        setweight(search_words(search_title_mark(c.user_id), c.title), 'A')
    FROM conversations c WHERE c.title IS NOT NULL ORDER BY c.created_at;
INSERT INTO search_entries (user_id, conversation_id, message_id, created_at, words)
    SELECT n.user_id, n.conversation_id, n.id, n.created_at,
        search_words(search_mark(n.user_id, n.number), n.content)
    FROM (SELECT c.user_id, m.conversation_id, m.id, m.created_at, m.content,
            row_number() OVER (PARTITION BY c.user_id ORDER BY m.created_at, m.depth) AS number
        FROM messages m JOIN conversations c ON c.id = m.conversation_id
        WHERE m.status <> 'streaming' AND m.content <> '') n
    ORDER BY n.created_at, n.number;
INSERT INTO search_owners (user_id, messages)
    SELECT user_id, count(*) FROM search_entries WHERE message_id IS NOT NULL GROUP BY user_id;
-- A short pending list: each search reads all of it.
CREATE INDEX search_entries_words ON search_entries USING gin (words) WITH (gin_pending_list_limit = 256);
"""

SHARES = """
-- One link a conversation, as it was when it was shared: messages do not change once they are settled.
CREATE TABLE shares (
    id text PRIMARY KEY,
    conversation_id text NOT NULL UNIQUE REFERENCES conversations ON DELETE CASCADE,
    token_hash bytea NOT NULL UNIQUE,
    title text,
    head_message_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
"""

PROMPTS = """
CREATE TABLE prompts (
    id text PRIMARY KEY,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    scope text NOT NULL CHECK (scope IN ('personal', 'everyone')),
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    template text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX prompts_of_user ON prompts (user_id, scope);
CREATE INDEX prompts_of_everyone ON prompts (name) WHERE scope = 'everyone';
"""


def upgrade() -> None:
    for block in (CONVERSATIONS, SEARCH, SHARES, PROMPTS):
        for statement in block.split(";\n"):
            if statement.strip():
                op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE prompts, shares, search_entries, search_owners")
    op.execute(
        "DROP FUNCTION search_title_mark(text), search_mark(text, bigint), search_words(text, text), "
        "search_text(text)"
    )
    op.execute(
        "DROP INDEX turns_of_conversation, turns_of_user_message, turns_of_answer, "
        "conversations_deleted_of_user, conversations_deleted, conversations_of_user"
    )
    op.execute("DROP INDEX messages_of_conversation")
    op.execute("CREATE INDEX messages_of_conversation ON messages (conversation_id, depth)")
    op.execute("ALTER TABLE conversations DROP COLUMN pinned, DROP COLUMN archived, DROP COLUMN parameters")
    op.execute(
        "CREATE INDEX conversations_of_user ON conversations (user_id, updated_at DESC, id DESC) "
        "WHERE deleted_at IS NULL"
    )
