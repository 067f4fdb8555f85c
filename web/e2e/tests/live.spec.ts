/** Two people in one document: each sees the other's keys and cursor at once, and no cut of the line loses a key. */
import type { Locator } from "@playwright/test";
import { Editor } from "../editor.js";
import { Account } from "../support/account.js";
import { expect, onBoth, test, type Device } from "../support/fixtures.js";
import { proxyWithoutUpgrades, pushesOf } from "../support/network.js";
import type { TestServer } from "../support/server.js";

/** Two devices of one account, both in the same document and connected. */
async function together(server: TestServer, laptop: Device, phone: Device, text: string): Promise<Account> {
  const ada = await Account.register(server, "ada");
  for (const { editor } of [laptop, phone]) {
    await editor.open();
    await editor.logIn(ada.credentials);
  }
  await laptop.editor.newDocument("Shared", text);
  await phone.editor.expectBadge("Shared", "synced");
  await phone.editor.openDocument("Shared");
  await phone.editor.expectText(text);
  await expectTogether(laptop, phone);
  return ada;
}

function others({ main }: Editor): Locator {
  return main.getByRole("list", { name: "Also here" });
}

async function expectTogether(...devices: Device[]): Promise<void> {
  for (const { editor } of devices) await expect(others(editor).getByRole("listitem")).toHaveText(["ada"]);
}

/** Types on both at once, a key of each in turn. */
async function typeOnBoth(laptop: Device, phone: Device, count: number): Promise<void> {
  await laptop.editor.text.press("ControlOrMeta+Home");
  await phone.editor.text.press("ControlOrMeta+End");
  for (let n = 0; n < count; n += 1) {
    await Promise.all([laptop.page.keyboard.type("l"), phone.page.keyboard.type("p")]);
  }
}

async function expectEveryKeyOnce(ada: Account, text: string, ...devices: Device[]): Promise<void> {
  for (const { editor } of devices) await editor.expectText(text);
  await expect.poll(() => ada.text("Shared")).toBe(text);
  for (const { editor } of devices) await editor.expectBadge("Shared", "synced");
}

test("each sees the other's keys, cursor, selection and name, and no batch is sent", onBoth, async ({ device: laptop, newDevice, server }) => {
  const phone = await newDevice();
  const ada = await together(server, laptop, phone, "Middle");
  const pushes = pushesOf(laptop.page, phone.page);
  await typeOnBoth(laptop, phone, 20);
  await expectEveryKeyOnce(ada, `${"l".repeat(20)}Middle${"p".repeat(20)}`, laptop, phone);
  expect(pushes).toEqual([]);

  const caret = phone.editor.text.locator(".cm-other-caret");
  await expect(caret).toHaveAttribute("data-name", "ada");
  await laptop.editor.text.press("Shift+ArrowLeft");
  const selection = phone.editor.text.locator(".cm-other-selection");
  await expect(selection).toHaveText("l");
  await expect(selection).toHaveCSS("background-color", /^rgba\(/);
  await laptop.page.close();
  await expect(others(phone.editor)).toHaveCount(0);
  await expect(caret).toHaveCount(0);
});

test("a line that is cut while both type, and mended", async ({ device: laptop, newDevice, server }) => {
  const phone = await newDevice();
  laptop.complaints.expectNoNetwork();
  const ada = await together(server, laptop, phone, "a - z");
  await typeOnBoth(laptop, phone, 10);
  await laptop.editor.goOffline();
  await typeOnBoth(laptop, phone, 10);
  await expect(others(laptop.editor)).toHaveCount(0);
  await laptop.editor.goOnline();
  await typeOnBoth(laptop, phone, 10);
  await expectEveryKeyOnce(ada, `${"l".repeat(30)}a - z${"p".repeat(30)}`, laptop, phone);
  await expectTogether(laptop, phone);
});

test("a server that is killed while both type, and comes back", onBoth, async ({ device: laptop, newDevice, server }) => {
  const phone = await newDevice();
  for (const { complaints } of [laptop, phone]) complaints.expectNoNetwork();
  const ada = await together(server, laptop, phone, "a - z");
  await typeOnBoth(laptop, phone, 10);
  const killed = server.kill();
  await typeOnBoth(laptop, phone, 10);
  await killed;
  await server.restart();
  await typeOnBoth(laptop, phone, 10);
  await expectEveryKeyOnce(ada, `${"l".repeat(30)}a - z${"p".repeat(30)}`, laptop, phone);
  await expectTogether(laptop, phone);
});

test("where a proxy lets no sockets through, keys go by batch soon after", async ({ newDevice, server }) => {
  const proxy = await proxyWithoutUpgrades(server.url);
  try {
    const [laptop, phone] = [await newDevice({ baseURL: proxy.url }), await newDevice({ baseURL: proxy.url })];
    for (const { complaints } of [laptop, phone]) complaints.expectNoNetwork();
    const ada = await Account.register(server, "ada");
    for (const { editor } of [laptop, phone]) {
      await editor.open();
      await editor.logIn(ada.credentials);
    }
    await laptop.editor.newDocument("Shared", "-");
    await phone.editor.expectBadge("Shared", "synced");
    await phone.editor.openDocument("Shared");
    await phone.editor.expectText("-");
    const pushes = pushesOf(laptop.page, phone.page);
    await laptop.editor.typeAtStart("From the laptop ");
    await phone.editor.expectText("From the laptop -");
    await phone.editor.type(" and the phone");
    await expectEveryKeyOnce(ada, "From the laptop - and the phone", laptop, phone);
    expect(pushes.length).toBeGreaterThan(0);
    for (const { editor } of [laptop, phone]) await expect(others(editor)).toHaveCount(0);
  } finally {
    proxy.close();
  }
});

test.describe("with one socket for each user", () => {
  test.use({ settings: { LANDFALL_MAX_USER_STREAMS: "1" } });

  test("the tab without one says why it is not live, and what to do", async ({ device, server }) => {
    const ada = await Account.register(server, "ada");
    const first = device.editor;
    await first.open();
    await first.logIn(ada.credentials);
    await first.newDocument("Shared", "one");
    await first.expectBadge("Shared", "synced");
    const second = new Editor(await device.context.newPage());
    await second.page.goto(device.page.url());
    await second.expectText("one");
    const tooMany = ({ main }: Editor): Locator => main.getByRole("status").filter({ hasText: "Too many tabs and devices are connected" });
    const count = async (editor: Editor): Promise<number> => tooMany(editor).count();
    await expect.poll(async () => (await count(first)) + (await count(second))).toBe(1);
    const [live, other] = (await count(second)) === 1 ? [first, second] : [second, first];
    await expect(tooMany(other)).toContainText("Close some of the others.");
    await other.type(" two");
    await live.expectText("one two");
  });
});

for (const [name, setting, words] of [
  ["a change that is too large", "LANDFALL_MAX_YJS_BYTES", ["A change was too large to be sent live.", "Paste long texts in parts"]],
  ["a workspace that is full", "LANDFALL_MAX_WORKSPACE_BYTES", ["This document cannot be edited live:", "sent after each pause"]],
] as const) {
  test.describe(name, () => {
    test.use({ settings: { [setting]: "20000" } });

    test("ends live editing, and the page says why", async ({ device: laptop, newDevice, server }) => {
      const phone = await newDevice();
      await together(server, laptop, phone, "-");
      await laptop.editor.text.press("ControlOrMeta+End");
      await laptop.page.keyboard.insertText("x".repeat(30_000));
      const notice = laptop.editor.main.getByRole("status").filter({ hasText: words[0] });
      await expect(notice).toContainText(words[1]);
      await expect(phone.editor.main.getByRole("status").filter({ hasText: words[0] })).toHaveCount(0);
    });
  });
}
