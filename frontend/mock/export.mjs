import { Refused } from "./http.mjs";

/** A conversation as a file: Markdown of what is shown, or JSON of everything. */
export function exported(store, conversation, format) {
  const name = (conversation.title ?? "chat").replace(/[^\w -]/g, "").slice(0, 60).trim() || "chat";
  if (format === "json") {
    const messages = store.messages.get(conversation.id).map((message) => store.messageView(message));
    const body = { ...store.view(conversation), messages };
    return { text: JSON.stringify(body, null, 2), type: "application/json", name: `${name}.json` };
  }
  if (format !== "markdown") throw new Refused(422, "invalid", "The format is markdown or json.");
  const parts = store.path(conversation).map(({ role, content }) => `## ${role}\n\n${content}\n`);
  return { text: `# ${conversation.title}\n\n${parts.join("\n")}`, type: "text/markdown", name: `${name}.md` };
}
