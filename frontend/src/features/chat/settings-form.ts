import type { Parameters, ResponseFormat } from "@/lib/api/types";
import { formatNumber } from "@/lib/format";
import { strings } from "@/lib/strings";

const words = strings.settings;
const MAX_SEED = 2 ** 31 - 1;
const MAX_STOPS = 4;
const MAX_STOP_CHARS = 200;

export interface SettingsText {
  temperature: string;
  top_p: string;
  max_tokens: string;
  seed: string;
  stop: string;
  form: ResponseFormat["type"];
  schema: string;
}

export type SettingsErrors = Partial<Record<keyof SettingsText, string>>;

/** Parameters as they stand in the fields of the form. */
export function toText(parameters: Parameters): SettingsText {
  const { temperature, top_p, max_tokens, seed, stop, response_format: format } = parameters;
  const text = (value: number | undefined | null) => (value === undefined || value === null ? "" : String(value));
  return {
    temperature: text(temperature),
    top_p: text(top_p),
    max_tokens: text(max_tokens),
    seed: text(seed),
    stop: (stop ?? []).join("\n"),
    form: format?.type ?? "text",
    schema: format?.type === "json_schema" ? JSON.stringify(format.json_schema.schema, null, 2) : "",
  };
}

/** What the fields hold as parameters, or what is wrong with them, field by field. Empty ones are left out. */
export function readSettings(
  text: SettingsText,
  mostTokens: number,
): { parameters: Parameters; errors: null } | { parameters: null; errors: SettingsErrors } {
  const parameters: Parameters = {};
  const errors: SettingsErrors = {};

  const number = (name: "temperature" | "top_p" | "max_tokens" | "seed", least: number, most: number, whole: boolean) => {
    const written = text[name].trim().replace(",", ".");
    if (written === "") return;
    const value = Number(written);
    const above = name === "top_p";
    if (!Number.isFinite(value) || value < least || value > most || (above && value === least)) {
      const bounds = [formatNumber(least), formatNumber(most)] as const;
      errors[name] = above ? words.above(...bounds) : words.between(...bounds);
    } else if (whole && !Number.isInteger(value)) errors[name] = words.whole;
    else parameters[name] = value;
  };
  number("temperature", 0, 2, false);
  number("top_p", 0, 1, false);
  number("max_tokens", 1, mostTokens, true);
  number("seed", 0, MAX_SEED, true);

  const stops = text.stop.split("\n").filter((line) => line !== "");
  if (stops.length > MAX_STOPS) errors.stop = words.tooManyStops;
  else if (stops.some((line) => line.length > MAX_STOP_CHARS)) errors.stop = words.stopTooLong;
  else if (stops.length > 0) parameters.stop = stops;

  if (text.form === "json_object") parameters.response_format = { type: "json_object" };
  else if (text.form === "json_schema") {
    const schema = readSchema(text.schema);
    if (schema === null) errors.schema = words.noSchema;
    else parameters.response_format = { type: "json_schema", json_schema: { name: "answer", schema, strict: true } };
  }

  return Object.keys(errors).length > 0 ? { parameters: null, errors } : { parameters, errors: null };
}

function readSchema(written: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(written);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}
