/** Sets of prompts with checks, and runs of them: every case passes but the last, where there are two or more. */
import { json, missing, Refused } from "./http.mjs";
import { newId } from "./ids.mjs";

const CASE_MS = 300;
const now = () => new Date().toISOString();
const sets = new Map();
const runs = new Map();

function step(run) {
  const failed = run.results.length > 0 && run.results.length === run.cases.length - 1;
  run.results.push({ passed: !failed, reason: failed ? "It does not contain 'Paris'." : null, text: "The river." });
  if (run.results.length < run.cases.length) return setTimeout(() => step(run), CASE_MS);
  const passed = run.results.filter((result) => result.passed).length;
  run.state = passed >= run.pass_share * run.cases.length ? "passed" : "failed";
  run.detail = `${passed} of ${run.cases.length} cases passed; ${run.pass_share * 100}% had to.`;
  run.ended_at = now();
}

export const evaluationRoutes = (operator) => [
  ["GET", /^\/api\/admin\/evaluations\/sets$/, operator(({ response }) => json(response, 200, { items: [...sets.values()] }))],
  ["PUT", /^\/api\/admin\/evaluations\/sets\/([^/]+)$/, ({ response, body, match, user }) => {
    if (user.role === "user") throw new Refused(403, "forbidden", "This is for operators.");
    if (!/^[a-z0-9][a-z0-9._-]*$/.test(match[1])) throw new Refused(422, "invalid", "name: String should match a pattern.");
    if (!body.cases?.length) throw new Refused(422, "invalid", "cases: List should have at least 1 item.");
    const set = { pass_share: 1, ...body, name: match[1], digest: newId("dig"), updated_at: now() };
    sets.set(set.name, set);
    json(response, 200, set);
  }],
  ["DELETE", /^\/api\/admin\/evaluations\/sets\/([^/]+)$/, ({ response, match }) => {
    if (!sets.delete(match[1])) throw missing();
    json(response, 204);
  }],
  ["POST", /^\/api\/admin\/evaluations$/, operator(({ response, body }) => {
    const set = sets.get(body.set);
    if (!set) throw missing();
    const run = { ...set, ...body, id: newId("evl"), state: "running", detail: null, results: [], created_at: now() };
    runs.set(run.id, run);
    setTimeout(() => step(run), CASE_MS);
    json(response, 202, run);
  })],
  ["POST", /^\/api\/admin\/evaluations\/(evl_[^/]+)\/again$/, ({ response, match, user }) => {
    if (user.role === "user") throw new Refused(403, "forbidden", "This is for operators.");
    const before = runs.get(match[1]);
    if (!before) throw missing();
    const run = { ...before, id: newId("evl"), state: "running", detail: null, results: [], created_at: now() };
    runs.set(run.id, run);
    setTimeout(() => step(run), CASE_MS);
    json(response, 202, run);
  }],
  ["GET", /^\/api\/admin\/evaluations\/(evl_[^/]+)$/, ({ response, match }) => {
    const run = runs.get(match[1]);
    if (!run) throw missing();
    json(response, 200, run);
  }],
];
