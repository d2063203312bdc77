/** The library of prompts: one's own and those for everyone. */
import { json, missing, only, Refused } from "./http.mjs";
import { newId } from "./ids.mjs";

const FIELD = /\{(\w+)\}/g;

function variablesOf(template) {
  const bare = template.replaceAll("{{", "").replaceAll("}}", "");
  if (/\{[^{}]*[^\w{}][^{}]*\}|\{\}/.test(bare))
    throw new Refused(422, "invalid", "Check what you entered.", {
      errors: [{ field: "template", message: "A variable is a name of letters, digits and underscores in braces, such as {topic}; write {{ and }} for braces themselves." }],
    });
  return [...new Set([...bare.matchAll(FIELD)].map(([, name]) => name))];
}

export function promptRoutes(store) {
  const view = (prompt, user) => {
    const { userId, ...shown } = prompt;
    return { ...shown, variables: variablesOf(prompt.template), mine: userId === user.id };
  };
  const mayChange = (user, id) => {
    const prompt = store.prompts.get(id);
    if (!prompt || (prompt.userId !== user.id && !(prompt.scope === "everyone" && user.role === "admin"))) throw missing();
    return prompt;
  };
  const check = (user, body) => {
    only(body, ["name", "description", "template", "scope"]);
    if (body.template !== undefined) variablesOf(body.template);
    if (body.scope === "everyone" && user.role !== "admin")
      throw new Refused(403, "forbidden", "Only administrators may share a prompt with everyone.");
  };
  return [
    ["GET", /^\/api\/prompts$/, ({ response, user }) => {
      const all = [...store.prompts.values()].filter(({ userId, scope }) => userId === user.id || scope === "everyone");
      all.sort((a, b) => a.name.localeCompare(b.name));
      json(response, 200, { items: all.map((prompt) => view(prompt, user)) });
    }],
    ["POST", /^\/api\/prompts$/, ({ response, user, body }) => {
      check(user, body);
      const prompt = { id: newId("pmt"), description: "", scope: "personal", ...body, userId: user.id };
      store.prompts.set(prompt.id, { ...prompt, updated_at: new Date().toISOString() });
      json(response, 201, view(store.prompts.get(prompt.id), user));
    }],
    ["PATCH", /^\/api\/prompts\/(\w+)$/, ({ response, user, match, body }) => {
      const prompt = mayChange(user, match[1]);
      only(body, ["name", "description", "template"]);
      check(user, body);
      Object.assign(prompt, body, { updated_at: new Date().toISOString() });
      json(response, 200, view(prompt, user));
    }],
    ["DELETE", /^\/api\/prompts\/(\w+)$/, ({ response, user, match }) => {
      mayChange(user, match[1]);
      store.prompts.delete(match[1]);
      json(response, 204);
    }],
    ["POST", /^\/api\/prompts\/(\w+)\/render$/, ({ response, user, match, body }) => {
      const prompt = store.prompts.get(match[1]);
      if (!prompt || (prompt.userId !== user.id && prompt.scope !== "everyone")) throw missing();
      only(body, ["variables"]);
      const missingOne = variablesOf(prompt.template).find((name) => !(name in body.variables));
      if (missingOne) throw new Refused(422, "invalid", `The variable ${missingOne} has no value.`);
      json(response, 200, { text: prompt.template.replace(FIELD, (_, name) => String(body.variables[name])) });
    }],
  ];
}
