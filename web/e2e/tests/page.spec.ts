/** The page as it is delivered: quiet, small, and kept on the device. */
import { expect, test } from "../support/fixtures.js";
import { measureBytes } from "../support/first-load.js";

/** What a first visit may fetch, packed. */
const FIRST_LOAD_BYTES = 300 * 1024;
const FOR_EVER = "public, max-age=31536000, immutable";

test("opens quietly, from this server alone", async ({ device, server }) => {
  const { page, editor } = device;
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await editor.open();
  await expect(page).toHaveTitle(/Landfall/);
  expect(asked.length).toBeGreaterThan(2);
  expect(asked.filter((url) => !url.startsWith(`${server.url}/`))).toEqual([]);
  // Writing brings in the code editor, which brings its own styles.
  await editor.newDocument("Groceries", "# Milk\n\n**two** bottles");
  await editor.expectText("# Milk\n\n**two** bottles");
  await expect(editor.text).toHaveCSS("white-space", /break-spaces|pre-wrap/);
});

test("runs no script and no style that did not come as a file", async ({ device }) => {
  const { page, editor, complaints } = device;
  complaints.expect(/Content Security Policy|CSP violation/);
  await editor.open();
  const harm = await page.evaluate(async () => {
    const barred: string[] = [];
    document.addEventListener("securitypolicyviolation", (violation) => barred.push(violation.effectiveDirective));
    const script = document.createElement("script");
    script.textContent = "globalThis.harmed = true";
    document.body.append(script);
    const style = document.createElement("style");
    style.textContent = "body { opacity: 0.5 }";
    document.head.append(style);
    document.body.insertAdjacentHTML("beforeend", "<img alt='' src='https://elsewhere.example/pixel.png'>");
    await fetch("https://elsewhere.example/").catch(() => undefined);
    // They are told of in tasks of their own.
    const deadline = performance.now() + 20_000;
    while (barred.length < 4 && performance.now() < deadline) await new Promise((done) => setTimeout(done, 20));
    return { ran: "harmed" in globalThis, opacity: getComputedStyle(document.body).opacity, barred: barred.sort() };
  });
  expect(harm).toEqual({
    ran: false,
    opacity: "1",
    barred: ["connect-src", "img-src", "script-src-elem", "style-src-elem"],
  });
});

test("is sent small", async ({ browser, server }) => {
  const { start, document } = await measureBytes(browser, server);
  for (const { files, brotli, gzip } of [start, document]) {
    expect(files).toBeGreaterThan(2);
    expect(gzip).toBeLessThan(FIRST_LOAD_BYTES);
    expect(brotli).toBeLessThan(gzip);
  }
});

test("is kept for as long as it stays true", async ({ device }) => {
  const { page, editor } = device;
  const answers: { path: string; kept: string; coding: string; type: string; bytes: number }[] = [];
  page.on("response", async (response) => {
    const headers = response.headers();
    answers.push({
      path: new URL(response.url()).pathname,
      kept: headers["cache-control"] ?? "",
      coding: headers["content-encoding"] ?? "",
      type: headers["content-type"] ?? "",
      bytes: Number(headers["content-length"]),
    });
  });
  await editor.open();
  await editor.expectInstalled();
  const files = answers.filter(({ path }) => !path.startsWith("/api/"));
  expect(files.map(({ path }) => path)).toContain("/");
  expect(files.some(({ path }) => path.startsWith("/assets/") && path.endsWith(".js"))).toBe(true);
  for (const { path, kept, coding, type, bytes } of files) {
    expect.soft(kept, path).toBe(path.startsWith("/assets/") ? FOR_EVER : "no-cache");
    if (/javascript|css/.test(type) && bytes > 1_000) expect.soft(["br", "gzip"], path).toContain(coding);
  }
});

test("opens again with no network and no server", async ({ device, server }) => {
  const { page, context, editor, complaints } = device;
  await editor.open();
  await editor.expectInstalled();
  await editor.newDocument("Ship's log", "Left the harbour.");
  complaints.expectNoNetwork();
  await server.kill();
  await editor.goOffline();

  await editor.reload();
  await editor.expectText("Left the harbour.");
  await editor.type(" Wind from the west.");

  const another = await context.newPage();
  await page.close();
  await another.goto("/");
  await another.getByRole("link", { name: /^Ship's log/ }).click();
  await expect(another.getByRole("textbox", { name: "Text" })).toHaveText("Left the harbour. Wind from the west.");
});

test("leaves the API's page and the API alone", async ({ device }) => {
  const { page, editor } = device;
  await editor.open();
  await editor.expectInstalled();
  await page.goto("/docs");
  await expect(page.getByRole("heading", { name: /Landfall/ })).toBeVisible();
  const limits = await page.request.get("/api/v1/limits");
  expect(limits.headers()["content-type"]).toContain("application/json");
});
