/** Revisions of models, their traffic and their promotions: for operators and administrators. */
import { createHash } from "node:crypto";
import { json, missing, only, Refused } from "./http.mjs";
import { newId } from "./ids.mjs";
import { evaluationRoutes } from "./routes-evaluations.mjs";
import { shadowRoutes, shadows } from "./routes-shadows.mjs";
import { models } from "./models.mjs";

const START_MS = 400;
const ROUND_MS = 250;
const now = () => new Date().toISOString();
const invalid = (detail) => new Refused(422, "invalid", detail);
const conflict = (detail) => new Refused(409, "conflict", detail);
const NO_FIGURES = { seconds: 300, requests: 0, errors: 0, tokens_per_second: 0, wait_p50: null, wait_p95: null, up: 0, down: 0 };

function revisionOf(spec, changes = {}) {
  return {
    name: spec.name,
    revision: spec.revision,
    desired: "added",
    state: "added",
    detail: null,
    weight: 0,
    replicas: 0,
    weights_sha256: null,
    digest: createHash("sha256").update(JSON.stringify(spec)).digest("hex"),
    spec,
    figures: { ...NO_FIGURES },
    queue: null,
    created_at: now(),
    updated_at: now(),
    ...changes,
  };
}

const revisions = models.map(({ name, title, engine, state, detail, context_window, max_output_tokens }) =>
  revisionOf(
    { name, revision: "r1", title, engine, context_window, max_output_tokens, prices: { prompt: 0, completion: 0 } },
    {
      desired: "serving",
      state,
      detail,
      weight: 100,
      replicas: state === "ready" ? 1 : 0,
      figures: state === "ready" ? { ...NO_FIGURES, requests: 128, errors: 1, tokens_per_second: 41.5, wait_p50: 0.126, wait_p95: 0.4, up: 7, down: 1 } : { ...NO_FIGURES },
      queue: state === "ready" ? { running: 3, waiting: 2 } : null,
    },
  ),
);
const promotions = [];
const comparisons = [];
const fallbacks = {};

const named = (name) => revisions.filter((one) => one.name === name);
const share = (name, weights) => named(name).forEach((one) => (one.weight = weights[one.revision] ?? 0));
const runningOf = (name) => promotions.find((one) => one.name === name && one.ended_at === null);

function run(one) {
  Object.assign(one, { desired: "serving", state: "pending", detail: null });
  setTimeout(() => Object.assign(one, { state: one.spec.source ? "fetching" : "starting" }), START_MS / 2);
  setTimeout(() => {
    if (one.spec.simulated?.token_ms === 666) Object.assign(one, { state: "failed", detail: "CUDA out of memory." });
    else Object.assign(one, { state: "ready", replicas: 1 });
  }, START_MS);
}

function takeDown(one) {
  Object.assign(one, { desired: "retired", state: "draining", weight: 0 });
  setTimeout(() => Object.assign(one, { state: "retired", replicas: 0 }), START_MS);
}

function end(promotion, state, detail) {
  Object.assign(promotion, { state, detail, ended_at: now() });
  promotion.receipt = { promotion: promotion.id, outcome: state, reason: detail, steps: promotion.steps, streams_finished_on_old: 3, drops: 0 };
}

/** One look at a promotion, as the gateway takes one each second. */
function advance(promotion) {
  if (promotion.ended_at !== null) return;
  const { name, revision, plan } = promotion;
  const own = named(name);
  const goal = own.find((one) => one.revision === revision);
  const old = own.filter((one) => one !== goal && one.desired === "serving");
  if (promotion.stop) {
    share(name, promotion.before);
    return end(promotion, "rolled_back", "It was rolled back by hand.");
  }
  if (promotion.state === "warming") {
    if (goal.state === "failed") return end(promotion, "failed", `It does not start: ${goal.detail}`);
    if (goal.desired !== "serving") run(goal);
    else if (goal.state === "ready") Object.assign(promotion, { state: "moving", step: 0, began: Date.now() });
  } else if (promotion.state === "moving") {
    const percent = plan.steps[promotion.step];
    share(name, { ...Object.fromEntries(old.map((one) => [one.revision, (100 - percent) / old.length])), [revision]: percent });
    const waited = (Date.now() - promotion.began) / 1000;
    promotion.detail = `${percent}% of the traffic for ${Math.round(waited)} s; 0 of ${plan.min_requests} requests.`;
    if (waited >= plan.seconds && (plan.min_requests === 0 || waited >= plan.patience_seconds)) {
      promotion.steps.push({ percent, began_at: now(), seconds: waited, requests: 0, errors: 0 });
      if (promotion.step + 1 < plan.steps.length) Object.assign(promotion, { step: promotion.step + 1, began: Date.now() });
      else {
        Object.assign(promotion, { state: "draining", detail: null });
        if (plan.retire_old) old.forEach(takeDown);
      }
    }
  } else if (old.every((one) => one.state !== "draining")) return end(promotion, "promoted", null);
  setTimeout(() => advance(promotion), ROUND_MS);
}

function begin(user, goal, plan) {
  const promotion = {
    id: newId("prm"),
    name: goal.name,
    revision: goal.revision,
    before: Object.fromEntries(named(goal.name).filter(({ weight }) => weight > 0).map(({ revision, weight }) => [revision, weight])),
    plan: { limits: { errors: 0.02, waits: 1.5, thumbs: 0.25 }, alpha: 0.01, warm_seconds: 1800, ...plan },
    state: "warming",
    step: -1,
    steps: [],
    detail: null,
    started_by: user.id,
    receipt: null,
    created_at: now(),
    ended_at: null,
  };
  promotions.unshift(promotion);
  advance(promotion);
  return promotion;
}

/** All votes of one model, or of all: a pair of revisions each, whichever side they stood on. */
function tallies(name) {
  const pairs = new Map();
  for (const { name: model, left, right, choice } of comparisons) {
    if (name !== null && model !== name) continue;
    const [one, other] = [left.revision, right.revision].sort();
    const key = `${model} ${one} ${other}`;
    const tally = pairs.get(key) ?? { name: model, one, other, one_better: 0, other_better: 0, both: 0, neither: 0 };
    const better = { left: left.revision, right: right.revision }[choice];
    tally[better === undefined ? choice : better === one ? "one_better" : "other_better"] += 1;
    pairs.set(key, tally);
  }
  return [...pairs.values()];
}

const shown = ({ stop: _stop, began: _began, ...promotion }) => promotion;

export const modelRoutes = () => {
  const operator = (handle) => (context) => {
    if (context.user.role === "user") throw new Refused(403, "forbidden", "This is for operators.");
    const [, name, revision] = context.match;
    if (name && named(name).length === 0) throw missing();
    const one = revision && named(name).find((other) => other.revision === revision);
    if (revision && !one) throw missing();
    return handle({ ...context, name, one });
  };
  const idle = (name) => {
    if (runningOf(name)) throw conflict(`A promotion of ${name} is moving the traffic. Wait for its end, or roll it back first.`);
  };
  const NAME = "([a-z0-9._-]+)";
  const at = (rest) => new RegExp(`^/api/admin/models/${rest}$`);
  return [
    ["GET", /^\/api\/admin\/models$/, operator(({ response }) => json(response, 200, { items: revisions, fallbacks, shadows }))],
    ["POST", /^\/api\/admin\/models$/, operator(({ response, body }) => {
      only(body, ["spec"]);
      const { spec } = body;
      for (const field of ["name", "revision", "title", "engine"])
        if (typeof spec?.[field] !== "string") throw invalid(`${field}: Field required.`);
      const known = named(spec.name).find(({ revision }) => revision === spec.revision);
      if (known) throw conflict(`${spec.name} has a revision ${spec.revision} with other settings. A revision never changes: give this one another name.`);
      const one = revisionOf(spec);
      revisions.unshift(one);
      json(response, 201, one);
    })],
    ["POST", at(`${NAME}/${NAME}/deploy`), operator(({ response, one }) => {
      run(one);
      if (named(one.name).every(({ weight }) => weight === 0)) one.weight = 100;
      json(response, 202, one);
    })],
    ["POST", at(`${NAME}/${NAME}/retire`), operator(({ response, one, body }) => {
      idle(one.name);
      const last = one.weight > 0 && !named(one.name).some((other) => other !== one && other.weight > 0);
      if (last && !body.force) throw conflict(`${one.name} ${one.revision} has all of the traffic.`);
      takeDown(one);
      json(response, 202, one);
    })],
    ["POST", at(`${NAME}/${NAME}/answers`), operator(async ({ response, one, body }) => {
      if (one.state !== "ready") throw new Refused(503, "model_not_ready", `${one.name} ${one.revision} is ${one.state}.`);
      const words = `You asked: ${body.prompt} ${one.revision === "r1" ? "This is the old way of saying it." : "Said anew, and shorter."}`;
      response.writeHead(200, { "content-type": "text/event-stream" });
      const chunk = (data) => response.write(`data: ${JSON.stringify(data)}\n\n`);
      const pieces = words.match(/\s*\S+/g);
      for (const content of pieces) {
        chunk({ choices: [{ delta: { content } }] });
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
      chunk({ choices: [], usage: { completion_tokens: pieces.length } });
      response.end("data: [DONE]\n\n");
    })],
    ["GET", at(`${NAME}/${NAME}/log`), operator(({ response, one }) => {
      json(response, 200, { text: `== replica_${one.name}--${one.revision}_engine_4kx0\nINFO ready after 0.4 s\n` });
    })],
    ["PUT", at(`${NAME}/traffic`), operator(({ response, name, body }) => {
      idle(name);
      if (Object.values(body.weights).every((weight) => weight === 0))
        throw invalid("Somebody has to answer: give at least one revision a weight above 0.");
      share(name, body.weights);
      json(response, 200, named(name));
    })],
    ["PUT", at(`${NAME}/fallback`), operator(({ response, name, body }) => {
      if (body.fallback === null) delete fallbacks[name];
      else fallbacks[name] = body.fallback;
      json(response, 204);
    })],
    ["POST", at(`${NAME}/promote`), operator(({ response, name, body, user }) => {
      idle(name);
      const goal = named(name).find(({ revision }) => revision === body.revision);
      if (!goal) throw missing();
      if (goal.weight > 0 && named(name).every((one) => one === goal || one.weight === 0))
        throw conflict(`${name} ${goal.revision} has all of the traffic already.`);
      json(response, 202, shown(begin(user, goal, body.plan)));
    })],
    ["POST", at(`${NAME}/rollback`), operator(({ response, name, user }) => {
      const running = runningOf(name);
      if (running) running.stop = true;
      const last = promotions.find((one) => one.name === name && one.state === "promoted");
      if (!running && !last) throw missing();
      const most = Object.entries(last?.before ?? {})
        .filter(([revision]) => revision !== last.revision)
        .sort(([, a], [, b]) => b - a)[0];
      const goal = most && named(name).find(({ revision }) => revision === most[0]);
      const plan = { steps: [100], seconds: 0, min_requests: 0, patience_seconds: 0, retire_old: true };
      json(response, 202, shown(running ?? begin(user, goal, plan)));
    })],
    ...evaluationRoutes(operator),
    ...shadowRoutes(operator, named),
    ["POST", /^\/api\/admin\/comparisons$/, operator(({ response, body, user }) => {
      comparisons.unshift({ ...body, id: newId("cmp"), by: user.name, created_at: now() });
      json(response, 201, { items: comparisons.slice(0, 1), tallies: tallies(body.name) });
    })],
    ["GET", /^\/api\/admin\/comparisons$/, operator(({ response }) => json(response, 200, { items: comparisons, tallies: tallies(null) }))],
    ["GET", /^\/api\/admin\/promotions$/, operator(({ response }) => json(response, 200, { items: promotions.map(shown) }))],
  ];
};
