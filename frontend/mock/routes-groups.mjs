/** Groups with a shared budget and the models that their members may ask: for administrators. */
import { json, missing, only, Refused } from "./http.mjs";
import { newId } from "./ids.mjs";

export const groupRoutes = (store) => {
  const admin = (handle) => (context) => {
    if (context.user.role !== "admin") throw new Refused(403, "forbidden", "This is for administrators.");
    const group = context.match[1] && store.groups.get(context.match[1]);
    if (context.match[1] && !group) throw missing();
    return handle({ ...context, group });
  };
  const membersOf = (id) => [...store.users.values()].filter(({ group_id }) => group_id === id);
  const view = (group) => ({ ...group, members: membersOf(group.id).length });
  const wanted = (body, id) => {
    only(body, ["name", "models", "budget"]);
    const taken = [...store.groups.values()].some((one) => one.id !== id && one.name.toLowerCase() === body.name.toLowerCase());
    if (taken) throw new Refused(409, "conflict", `There is a group named ${body.name} already.`);
    return { name: body.name, models: body.models ?? null, budget: body.budget };
  };
  return [
    ["GET", /^\/api\/admin\/groups$/, admin(({ response }) => {
      const items = [...store.groups.values()].map(view).sort((a, b) => a.name.localeCompare(b.name));
      json(response, 200, { items });
    })],
    ["GET", /^\/api\/admin\/groups\/usage$/, admin(({ response }) => {
      const items = [...store.groups.values()].flatMap(({ id, budget }) =>
        ["day", "month"].map((period) => {
          const used = membersOf(id).reduce((sum, user) => sum + (store.limits.used.get(user.id) ?? 0), 0);
          return { group_id: id, period, limit: budget[period], used, reserved: 0 };
        }),
      );
      json(response, 200, { items });
    })],
    ["POST", /^\/api\/admin\/groups$/, admin(({ response, body }) => {
      const group = { id: newId("grp"), ...wanted(body, null), created_at: new Date().toISOString() };
      store.groups.set(group.id, group);
      json(response, 201, view(group));
    })],
    ["PUT", /^\/api\/admin\/groups\/(\w+)$/, admin(({ response, group, body }) => {
      json(response, 200, view(Object.assign(group, wanted(body, group.id))));
    })],
    ["DELETE", /^\/api\/admin\/groups\/(\w+)$/, admin(({ response, group }) => {
      const { members } = view(group);
      if (members > 0)
        throw new Refused(409, "conflict", `${members === 1 ? "1 person is" : `${members} people are`} in this group. Move them to another one first.`);
      store.groups.delete(group.id);
      json(response, 204);
    })],
  ];
};
