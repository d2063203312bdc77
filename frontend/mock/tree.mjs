/** Conversations branch: messages are a tree, and what is shown is the path from the head up. */

/** The messages from the root to `headId`, oldest first. */
export function pathTo(messages, headId) {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const path = [];
  for (let at = byId.get(headId); at; at = byId.get(at.parent_id)) path.unshift(at);
  return path;
}

/** The newest leaf below a message, or the message itself. `messages` are in order of creation. */
export function newestLeafBelow(messages, id) {
  let leaf = id;
  const below = new Set([id]);
  for (const message of messages) {
    if (!below.has(message.parent_id)) continue;
    below.add(message.id);
    leaf = message.id;
  }
  return leaf;
}

/** Where a message stands among those with the same parent and role. */
export function siblingsOf(messages, message) {
  const all = messages.filter((one) => one.parent_id === message.parent_id && one.role === message.role);
  const at = all.indexOf(message);
  return {
    index: at + 1,
    count: all.length,
    previous_id: all[at - 1]?.id ?? null,
    next_id: all[at + 1]?.id ?? null,
  };
}
