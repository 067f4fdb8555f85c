/**
 * How the tests run Chromium.
 *
 * @module
 */
import { chromium } from "./programs.js";

// Chromium's own sandbox does not work for root, which is who one is in most containers; and those have little /dev/shm.
const parameters = [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), "--disable-dev-shm-usage", "--disable-gpu"];

/** Settings for all projects: the system's Chromium, and all that depends on place and time pinned. */
export const browser = {
  browserName: "chromium",
  locale: "en-GB",
  timezoneId: "UTC",
  launchOptions: { executablePath: chromium(), args: parameters },
} as const;
