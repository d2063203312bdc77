import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, type APIRequestContext } from "@playwright/test";

/** Mails that the stack wrote: files of the real one, a list of the stand-in. */
export class Mailbox {
  constructor(
    private readonly request: APIRequestContext,
    private readonly address: string,
  ) {}

  /** Where the link of the newest mail of this subject leads, once there is one. */
  async link(subject: string): Promise<string> {
    let found: string | undefined;
    await expect
      .poll(async () => (found = (await this.letters()).find((letter) => letter.subject === subject)?.link ?? undefined))
      .toBeTruthy();
    return found!;
  }

  /** Newest first. */
  private async letters(): Promise<{ subject: string; link: string | null }[]> {
    const folder = process.env["HEADRACE_VAR_DIR"];
    if (process.env["HEADRACE_URL"] === undefined || folder === undefined) {
      const response = await this.request.get(`/api/mock/mail?to=${encodeURIComponent(this.address)}`);
      return ((await response.json()) as { subject: string; link: string | null }[]).reverse();
    }
    const mail = join(folder, "mail");
    return readdirSync(mail)
      .filter((name) => name.startsWith("eml_"))
      .sort()
      .reverse()
      // Long lines are broken for the way (quoted-printable).
      .map((name) => readFileSync(join(mail, name), "utf8").replace(/=\r?\n/g, ""))
      .filter((text) => text.includes(`To: ${this.address}`))
      .map((text) => ({
        subject: /^Subject: (.*)$/m.exec(text)?.[1] ?? "",
        link: /https?:\/\/[^/\s]+(\/[\w-]+#[\w-]+)/.exec(text)?.[1] ?? null,
      }));
  }
}
