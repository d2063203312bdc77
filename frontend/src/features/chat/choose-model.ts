import { onItsWay } from "@/lib/api/stages";
import type { Model } from "@/lib/api/types";
import { storage } from "@/lib/storage";
import { strings } from "@/lib/strings";

const LAST_MODEL = "headrace.model";

/**
 * The model to ask: what was picked here, else the conversation's own, else the one used last, else
 * the first that is ready. One that exists is kept even while it is not ready, except for a mere habit.
 */
export function chooseModel(
  models: Model[],
  picked: string | null,
  ofConversation: string | null,
  lastUsed: string | null,
): Model | null {
  const named = (name: string | null) => models.find((model) => model.name === name);
  const isReady = (model: Model | undefined) => (model?.state === "ready" ? model : undefined);
  return (
    named(picked) ??
    named(ofConversation) ??
    isReady(named(lastUsed)) ??
    models.find((model) => model.state === "ready") ??
    models.find((model) => model.state !== "failed") ??
    models[0] ??
    null
  );
}

/** On the way to answering. */
export function isWaking({ state }: Model): boolean {
  return onItsWay(state);
}

/** Why nothing can be sent with this model right now; null when it can. */
export function notReadyReason(model: Model | null): string | null {
  if (model === null) return strings.chat.noModel;
  if (model.state === "ready") return null;
  if (isWaking(model)) return strings.models.wakingHint;
  const state = strings.models.states[model.state];
  const reason = model.detail ? strings.models.withDetail(state, model.detail) : state;
  return `${strings.chat.modelNotReady(model.title)} ${reason}.`.replace(/\.+$/, ".");
}

export function readLastModel(): string | null {
  return storage.getItem(LAST_MODEL);
}

export function rememberModel(name: string): void {
  storage.setItem(LAST_MODEL, name);
}
