const AROUND = 60;

/** Conversations and messages that hold every word, titles first, with what matched cut out of them. */
export function search(store, userId, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const holds = (text) => words.every((word) => text.toLowerCase().includes(word));
  const mine = [...store.conversations.values()].filter((one) => one.userId === userId && !one.deleted);
  const titles = mine
    .filter(({ title }) => title !== null && holds(title))
    .map((one) => hit(one, null, one.title, words, one.updated_at));
  const bodies = mine.flatMap((one) =>
    store.messages
      .get(one.id)
      .filter(({ content }) => holds(content))
      .map((message) => hit(one, message, message.content, words, message.created_at))
      .reverse(),
  );
  return [...titles, ...bodies];
}

function hit(conversation, message, text, words, created_at) {
  const at = text.toLowerCase().indexOf(words[0]);
  const from = Math.max(0, at - AROUND);
  return {
    conversation_id: conversation.id,
    title: conversation.title,
    message_id: message?.id ?? null,
    role: message?.role ?? null,
    fragments: fragments(text.slice(from, at + AROUND * 2), words),
    created_at,
  };
}

function fragments(text, words) {
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const parts = text.split(new RegExp(`(${escaped.join("|")})`, "i"));
  return parts.filter(Boolean).map((part) => ({ text: part, match: words.includes(part.toLowerCase()) }));
}
