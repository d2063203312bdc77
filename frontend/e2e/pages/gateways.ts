import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "@playwright/test";

interface Service {
  service: string;
  state: string;
  pid: number | null;
}

/** The gateway processes of the instance under test, as its supervisor tells of them. */
export class Gateways {
  constructor(private readonly varDir: string) {}

  names(): string[] {
    return this.services().map(({ service }) => service);
  }

  /** End one as a crash would: nothing is said, nothing is finished. */
  kill(name: string) {
    const pid = this.services().find(({ service }) => service === name)?.pid;
    if (!pid) throw new Error(`${name} does not run`);
    process.kill(pid, "SIGKILL");
  }

  /** Wait until all of them take requests. */
  async ready() {
    await expect
      .poll(() => this.services().every(({ state, pid }) => state === "ready" && pid !== null), { timeout: 60_000 })
      .toBe(true);
  }

  private services(): Service[] {
    const state = JSON.parse(readFileSync(join(this.varDir, "run", "state.json"), "utf8")) as { services: Service[] };
    return state.services.filter(({ service }) => service.startsWith("gateway-"));
  }
}
