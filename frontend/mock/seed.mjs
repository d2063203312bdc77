/** A long conversation at once, to measure the page with; not part of the contract. */
export function seed(store, userId, count) {
  const { id } = store.createConversation(userId, { title: `A chat of ${count} messages`, model: "simulated" });
  const conversation = store.conversations.get(id);
  const list = store.messages.get(id);
  let parent = null;
  for (let at = 0; at < count; at += 1) {
    const asked = at % 2 === 0;
    const content = asked
      ? `Question ${at / 2 + 1}: how high is the water behind the weir?`
      : `Answer ${(at + 1) / 2}.\n\n- The **level** is \`${at}\` cm above the sill.\n- It falls by the evening.\n\n${"The channel keeps its height along the slope. ".repeat(1 + (at % 7))}`;
    const message = store.message(id, {
      role: asked ? "user" : "assistant",
      content,
      status: "complete",
      parent_id: parent,
      ...(asked ? {} : { model: "simulated", revision: "r1", finish_reason: "stop", completion_tokens: 40 }),
    });
    list.push(message);
    parent = message.id;
  }
  store.change(conversation, { headId: parent });
  return { id };
}
