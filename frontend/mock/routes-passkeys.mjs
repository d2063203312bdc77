/** Passkeys. The stand-in believes whoever shows one that it knows: signatures are the real gateway's business. */
import { randomBytes } from "node:crypto";
import { json, missing, Refused } from "./http.mjs";
import { newId } from "./ids.mjs";
import { enter } from "./routes-account.mjs";

const wrongPasskey = () => new Refused(401, "wrong_passkey", "This passkey is not one of yours here. Try again.");
const challenge = () => randomBytes(32).toString("base64url");

function get(keys) {
  const allowCredentials = keys.map((key) => ({ id: key.credentialId, type: "public-key" }));
  return { challenge: challenge(), rpId: "localhost", allowCredentials, userVerification: "required", timeout: 60_000 };
}

const ofUser = (store, userId) => [...store.identity.passkeys.values()].filter((key) => key.userId === userId);
const ownerOf = (store, credential) => {
  const key = store.identity.passkeys.get(credential?.rawId);
  if (!key) throw wrongPasskey();
  key.last_used_at = new Date().toISOString();
  return store.users.get(key.userId);
};

export const anyonePasskeys = (store) => [
  ["POST", /^\/api\/auth\/login\/passkey\/options$/, ({ response }) => json(response, 200, { public_key: get([]) })],
  ["POST", /^\/api\/auth\/login\/passkey$/, ({ response, body }) => {
    enter(response, store.open(ownerOf(store, body.credential), true));
  }],
  ["POST", /^\/api\/auth\/login\/second-factor\/passkey\/options$/, ({ response, body }) => {
    json(response, 200, { public_key: get(ofUser(store, store.identity.steps.get(body.token))) });
  }],
  ["POST", /^\/api\/auth\/login\/second-factor\/passkey$/, ({ response, body }) => {
    const user = ownerOf(store, body.credential);
    if (store.identity.steps.get(body.token) !== user.id) throw wrongPasskey();
    store.identity.steps.delete(body.token);
    enter(response, store.open(user, true));
  }],
];

export const passkeyRoutes = (store) => [
  ["GET", /^\/api\/auth\/passkeys$/, ({ response, user }) => {
    const items = ofUser(store, user.id).map(({ userId: _, credentialId: __, ...key }) => key);
    json(response, 200, { items });
  }],
  ["POST", /^\/api\/auth\/passkeys\/options$/, ({ response, user }) => {
    json(response, 200, {
      public_key: {
        rp: { id: "localhost", name: "Headrace" },
        user: { id: Buffer.from(user.id).toString("base64url"), name: user.email, displayName: user.name },
        challenge: challenge(),
        pubKeyCredParams: [{ type: "public-key", alg: -7 }],
        timeout: 60_000,
        excludeCredentials: get(ofUser(store, user.id)).allowCredentials,
        authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
        attestation: "none",
      },
    });
  }],
  ["POST", /^\/api\/auth\/passkeys$/, ({ response, user, body }) => {
    const key = { id: newId("psk"), name: body.name, backed_up: false, created_at: new Date().toISOString() };
    Object.assign(key, { last_used_at: null, userId: user.id, credentialId: body.credential.rawId });
    store.identity.passkeys.set(key.credentialId, key);
    json(response, 201, key);
  }],
  ["DELETE", /^\/api\/auth\/passkeys\/(\w+)$/, ({ response, user, match }) => {
    const key = ofUser(store, user.id).find(({ id }) => id === match[1]);
    if (!key) throw missing();
    store.identity.passkeys.delete(key.credentialId);
    json(response, 204);
  }],
  ["POST", /^\/api\/auth\/step-up\/passkey\/options$/, ({ response, user }) => {
    json(response, 200, { public_key: get(ofUser(store, user.id)) });
  }],
];

/** Accounts elsewhere: none is set up in the stand-in. */
export const anyoneElsewhere = () => [
  ["GET", /^\/api\/auth\/oauth\/providers$/, ({ response }) => json(response, 200, { items: [] })],
];

export const elsewhereRoutes = () => [
  ["GET", /^\/api\/auth\/oauth\/identities$/, ({ response }) => json(response, 200, { items: [] })],
];
