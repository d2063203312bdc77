/** Shadows: every one that is set has answered three copies, of which the last one failed. */
import { json, missing, only, Refused } from "./http.mjs";
import { newId } from "./ids.mjs";

export const shadows = {};
const reports = {};

const side = (text, kept, tokens, first_ms) => ({ text: kept ? text : null, completion_tokens: tokens, first_ms, duration_ms: first_ms * 4, finish_reason: "stop" });

function reportOf(name, { revision: shadow_revision, keep_texts }, revision) {
  const item = (likeness, live, shadow, detail) => ({
    id: newId("shd"),
    name,
    revision,
    shadow_revision,
    outcome: detail ? "failed" : "answered",
    detail,
    likeness,
    live,
    shadow,
    prompt: keep_texts ? "What does a head race do?" : null,
    created_at: new Date().toISOString(),
  });
  const live = side("It carries water to the wheel.", keep_texts, 7, 126);
  return {
    tallies: [{ name, revision, shadow_revision, answers: 3, failed: 1, same: 1, likeness: 0.83, live_first_ms: 126, shadow_first_ms: 98.4, live_tokens: 7, shadow_tokens: 8.5 }],
    items: [
      item(null, live, side("It", keep_texts, null, 90), "The model stopped in the middle of its answer."),
      item(0.67, live, side("It leads the water of a river to the wheel.", keep_texts, 10, 99), null),
      item(1, live, side("It carries water to the wheel.", keep_texts, 7, 97), null),
    ],
  };
}

export const shadowRoutes = (operator, named) => [
  ["PUT", /^\/api\/admin\/models\/([a-z0-9._-]+)\/shadow$/, operator(({ response, name, body }) => {
    only(body, ["revision", "percent", "keep_texts"]);
    if (body.revision === null) {
      delete shadows[name];
      return json(response, 204);
    }
    const one = named(name).find(({ revision }) => revision === body.revision);
    if (!one) throw missing();
    if (one.desired !== "serving") throw new Refused(422, "invalid", `${name} ${body.revision} is not running: deploy it first.`);
    shadows[name] = { percent: 10, keep_texts: false, ...body };
    const live = named(name).find((other) => other !== one) ?? one;
    reports[name] = reportOf(name, shadows[name], live.revision);
    json(response, 204);
  })],
  ["GET", /^\/api\/admin\/models\/([a-z0-9._-]+)\/shadow$/, operator(({ response, name }) => {
    json(response, 200, reports[name] ?? { tallies: [], items: [] });
  })],
];
