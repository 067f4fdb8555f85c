/**
 * A short name for the program that somebody is logged in with.
 *
 * @module
 */

/** By what a browser is known. Most claim to be others too, so the first that fits counts. */
const BROWSERS: readonly [RegExp, string][] = [
  [/\bEdg(A|iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/(Chrome|CriOS|Chromium)\//, "Chrome"],
  [/\bVersion\/.*\bSafari\//, "Safari"],
];

/** By what a system is known, likewise. */
const SYSTEMS: readonly [RegExp, string][] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

/** So much of an unknown name is shown. */
const SHORT = 40;

/** The browser and the system of a user agent; of what is no browser the program's own name; else how it begins. */
export function programOf(userAgent: string): string {
  const browser = nameIn(BROWSERS, userAgent);
  const system = nameIn(SYSTEMS, userAgent);
  if (userAgent.startsWith("Mozilla/") && browser !== undefined) {
    return system === undefined ? browser : `${browser} on ${system}`;
  }
  const own = /^([\w.-]+)\/([\w.-]+)/.exec(userAgent);
  const name = own && own[1] !== "Mozilla" ? `${own[1]} ${own[2]}` : userAgent.trim();
  return name.length > SHORT ? `${name.slice(0, SHORT).trimEnd()}…` : name || "unknown";
}

function nameIn(known: readonly [RegExp, string][], userAgent: string): string | undefined {
  return known.find(([pattern]) => pattern.test(userAgent))?.[1];
}
