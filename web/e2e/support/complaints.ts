/**
 * What a page complains about: errors on its console, exceptions that nobody caught, violations of the content security
 * policy. A test fails on each that it did not expect.
 *
 * @module
 */
import type { BrowserContext, ConsoleMessage } from "@playwright/test";

/** What Chromium writes about requests that get no answer. */
const NO_NETWORK = /^Failed to load resource: net::ERR_|^WebSocket connection|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION/;

/** The complaints of all pages of a context. */
export class Complaints {
  readonly #heard: string[] = [];
  readonly #expected: RegExp[] = [];

  private constructor() {}

  /** Listens to a context from before its first page. */
  static async of(context: BrowserContext): Promise<Complaints> {
    const complaints = new Complaints();
    context.on("console", (message) => complaints.#hear(message));
    context.on("weberror", (error) => complaints.#heard.push(`not caught: ${error.error().stack ?? error.error().message}`));
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (violation) => {
        const { effectiveDirective, blockedURI, sourceFile, lineNumber } = violation;
        console.error(`CSP violation: ${effectiveDirective} barred ${blockedURI} (${sourceFile}:${lineNumber})`);
      });
    });
    return complaints;
  }

  #hear(message: ConsoleMessage): void {
    if (message.type() !== "error" && message.type() !== "warning") return;
    const { url, lineNumber } = message.location();
    this.#heard.push(`${message.type()}: ${message.text()} (${url}:${lineNumber})`);
  }

  /** From now on, and before, complaints that match are all right. */
  expect(...patterns: RegExp[]): void {
    this.#expected.push(...patterns);
  }

  /** Requests without an answer are all right: the test takes the network away, or the server. */
  expectNoNetwork(): void {
    this.expect(new RegExp(NO_NETWORK.source.replaceAll("^", "^error: "), "m"));
  }

  /** A refusal with this status is all right; Chromium writes each on the console. */
  expectStatus(status: number): void {
    this.expect(new RegExp(`the server responded with a status of ${status} `));
  }

  /** What nobody expected. */
  unexpected(): string[] {
    return this.#heard.filter((complaint) => !this.#expected.some((pattern) => pattern.test(complaint)));
  }
}
