import { ApiError } from "./api/error";
import { strings } from "./strings";

/** What the server sends as `public_key`, and what a browser makes of a passkey: both are the standard's JSON. */
export type PasskeyOptions = Record<string, unknown>;
export type PasskeyAnswer = Record<string, unknown>;

/** Whether this browser knows passkeys, and reads and writes them as JSON. */
export function canUsePasskeys(): boolean {
  return (
    typeof window !== "undefined" &&
    "PublicKeyCredential" in window &&
    "parseCreationOptionsFromJSON" in PublicKeyCredential &&
    "parseRequestOptionsFromJSON" in PublicKeyCredential
  );
}

/** Makes a passkey; the browser asks the person. Throws ApiError, "cancelled" where they would rather not. */
export function makePasskey(options: PasskeyOptions): Promise<PasskeyAnswer> {
  return answered(() =>
    navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(
        options as unknown as PublicKeyCredentialCreationOptionsJSON,
      ),
    }),
  );
}

/** Shows a passkey; the browser asks the person which. Throws ApiError, "cancelled" where they would rather not. */
export function showPasskey(options: PasskeyOptions): Promise<PasskeyAnswer> {
  return answered(() =>
    navigator.credentials.get({
      publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(
        options as unknown as PublicKeyCredentialRequestOptionsJSON,
      ),
    }),
  );
}

async function answered(ask: () => Promise<Credential | null>): Promise<PasskeyAnswer> {
  try {
    const credential = (await ask()) as PublicKeyCredential | null;
    if (credential !== null) return credential.toJSON() as unknown as PasskeyAnswer;
  } catch (error) {
    // The standard gives one name to a person who says no, to a time that is up and to a device without a passkey.
    const name = (error as Error | null)?.name;
    if (name === "InvalidStateError") throw new ApiError("passkey_known", strings.identity.passkeys.known, 0, false);
    if (name !== "NotAllowedError" && name !== "AbortError")
      throw new ApiError("passkey_failed", strings.identity.passkeys.failed, 0, true);
  }
  throw new ApiError("cancelled", strings.identity.passkeys.cancelled, 0, true);
}
