import { expect, test } from "vitest";
import { programOf } from "../src/person/program.ts";

const MOZILLA = "Mozilla/5.0";
const CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0";

test.each([
  [`${MOZILLA} (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0`, "Firefox on Linux"],
  [`${MOZILLA} (Windows NT 10.0; Win64; x64) ${CHROME} Safari/537.36 Edg/130.0.0.0`, "Edge on Windows"],
  [`${MOZILLA} (Linux; Android 10; K) ${CHROME} Mobile Safari/537.36`, "Chrome on Android"],
  [`${MOZILLA} (X11; Linux x86_64) ${CHROME.replace("Chrome", "HeadlessChrome")} Safari/537.36`, "Chrome on Linux"],
  [`${MOZILLA} (X11; CrOS x86_64 14541.0.0) ${CHROME} Safari/537.36`, "Chrome on ChromeOS"],
  [
    `${MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15`,
    "Safari on macOS",
  ],
  [
    `${MOZILLA} (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/130.0 Mobile/15E148 Safari/604.1`,
    "Chrome on iPhone",
  ],
  ["landfall/0.1.0", "landfall 0.1.0"],
  ["curl/8.5.0 (something)", "curl 8.5.0"],
  ["", "unknown"],
])("%s is called %s", (userAgent, name) => expect(programOf(userAgent)).toBe(name));

test("what is not known is shown as it is, and not at length", () => {
  expect(programOf("my notes")).toBe("my notes");
  expect(programOf(`${MOZILLA} (Toaster; rv 1) Bread/1 and a great deal more`)).toBe(
    `${MOZILLA} (Toaster; rv 1) Bread/1 and…`,
  );
});
