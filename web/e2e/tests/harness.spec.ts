/** The bench itself: what the other tests lean on does what it says. */
import { Account } from "../support/account.js";
import { expect, test } from "../support/fixtures.js";
import { losing } from "../support/network.js";
import { whileMeasured } from "../support/responsiveness.js";

const create = (name: string): object => ({ operation: "create", client_id: name, data: { title: name, content: name } });

test("a server that was killed comes back where it was, with what it had", async ({ server }) => {
  const ada = await Account.register(server, "ada");
  await ada.push([create("Groceries")]);
  const { url } = server;
  await server.kill();
  await expect(ada.documents()).rejects.toThrow("fetch failed");
  await server.restart();
  expect(server.url).toBe(url);
  expect(await ada.document("Groceries")).toMatchObject({ version: 1, content: "Groceries" });
});

test("a lost answer is lost after the server has done its work", async ({ device, server }) => {
  const { page, editor, complaints } = device;
  const ada = await Account.register(server, "ada");
  await editor.open();
  // A page under the service worker, as all visits after the first are.
  await editor.expectInstalled();
  await editor.reload();
  complaints.expectNoNetwork();
  const network = await losing(page, (request) => request.url().endsWith("/api/v1/auth/login"), 1);
  const logIn = (): Promise<string> =>
    page.evaluate(async (credentials) => {
      const headers = { "content-type": "application/json" };
      const request = { method: "POST", headers, body: JSON.stringify(credentials) };
      return fetch("/api/v1/auth/login", request).then(({ status }) => String(status), ({ name }) => name as string);
    }, ada.credentials);
  expect(await logIn()).toBe("TypeError");
  expect(network.lost).toBe(1);
  expect(await logIn()).toBe("200");
});

test("a page that is blocked is measured as blocked", async ({ device }) => {
  const { page, editor } = device;
  await editor.open();
  const measured = await whileMeasured(page, async () => {
    await page.evaluate(() => {
      const until = performance.now() + 300;
      while (performance.now() < until);
    });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  });
  expect(measured.longestFrameGapMs).toBeGreaterThan(250);
  expect(measured.frames).toBeGreaterThan(0);
});

test("complaints of a page are heard", async ({ device }) => {
  const { page, editor, complaints } = device;
  await editor.open();
  await page.evaluate(() => {
    console.error("a mishap");
    setTimeout(() => {
      throw new Error("nobody catches this");
    });
  });
  await expect.poll(() => complaints.unexpected().join("\n")).toMatch(/error: a mishap[^]*nobody catches this/);
  complaints.expect(/a mishap/, /nobody catches this/);
});
