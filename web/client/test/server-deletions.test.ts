// The client and the real server: what one device deletes and another one writes on, or brings back.
import { expect, test } from "vitest";
import { ROOT } from "../src/index.js";
import { devices, expectSynced, texts } from "./support/devices.js";

test("a deletion does not follow a merge that nobody saw: somebody is asked", async () => {
  let remove: (() => Promise<void>) | undefined;
  const [laptop, phone] = await devices({
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      if (input.endsWith("/batch")) await remove?.();
      return response;
    },
  });
  const id = await laptop.queueCreate({ title: "plan", content: "base" });
  await laptop.sync();
  await phone.sync();
  await phone.queueUpdate(id, { content: "base, and something important" });
  await phone.sync();
  await laptop.queueUpdate(id, { content: "mine: base" });
  remove = async () => {
    remove = undefined;
    await laptop.queueDelete(id);
  };
  await laptop.sync();
  expect(await laptop.conflicts()).toMatchObject([{ error: { code: "version_mismatch" }, mine: { deleted: true } }]);
  expect((await laptop.conflicts())[0]?.theirs.content).toBe("mine: base, and something important");
});

test.each(["yjs", "text"] as const)(
  "a %s document that one device deleted is brought back by the other, and edited on",
  async (kind) => {
    const [laptop, phone] = await devices();
    const id = await laptop.queueCreate({ title: "plan", content: "base\n", kind });
    await laptop.sync();
    await phone.sync();
    await laptop.queueDelete(id);
    await laptop.sync();
    expectSynced(await phone.sync());
    expect(await phone.documents()).toEqual([]);
    await phone.queueUpdate(id, { restore: true });
    await phone.queueUpdate(id, { content: "base\nrestored\n" });
    expectSynced(await phone.sync());
    expectSynced(await laptop.sync());
    expect(await texts(laptop)).toEqual({ plan: "base\nrestored\n" });
    await laptop.queueUpdate(id, { content: "base, edited on\nrestored\n" });
    expectSynced(await laptop.sync());
    expectSynced(await phone.sync());
    expect(await texts(phone)).toEqual({ plan: "base, edited on\nrestored\n" });
  },
);

test("a mass deletion that one device refuses is undone on the other", async () => {
  const [laptop, phone] = await devices();
  for (let n = 0; n < 25; n += 1)
    await laptop.queueCreate({ title: `note ${n}`, content: `text ${n}`, kind: n % 2 === 0 ? "yjs" : "text" });
  expectSynced(await laptop.sync());
  expectSynced(await phone.sync());
  const before = await texts(laptop);
  for (const { document_id } of await phone.documents()) await phone.queueDelete(document_id);
  expectSynced(await phone.sync({ allowMassDelete: true }));
  expect(await laptop.sync()).toMatchObject({ status: "guarded", guard: { side: "device", deletions: 25 } });
  expect(await laptop.takeBackDeletions()).toBe(25);
  expectSynced(await laptop.sync());
  expectSynced(await phone.sync());
  expect(await texts(phone)).toEqual(before);
  expect(await texts(laptop)).toEqual(before);
});

test("what is typed after another device's deletion was taken in is kept as a conflict, and can be kept", async () => {
  const [laptop, phone] = await devices();
  const id = await laptop.queueCreate({ title: "plan", content: "base" });
  await laptop.sync();
  await phone.sync();
  const text = (await laptop.openDocument(id)).getText(ROOT);
  await phone.queueDelete(id);
  await phone.sync();
  await laptop.sync();
  expect(await laptop.documents()).toEqual([]);
  text.insert(4, ", typed late");
  text.doc?.destroy();
  await laptop.queueCreate({ title: "other" });
  expect(await laptop.sync()).toMatchObject({ status: "synced", progress: { succeeded: 1, failed: 1 } });
  const [conflict] = await laptop.conflicts();
  expect(conflict).toMatchObject({ error: { code: "deleted" }, mine: { content: "base, typed late", deleted: false } });
  await laptop.resolve(conflict?.client_id ?? "", { choice: "mine" });
  expectSynced(await laptop.sync());
  expectSynced(await phone.sync());
  expect(await texts(phone)).toEqual({ plan: "base, typed late", other: "" });
});
