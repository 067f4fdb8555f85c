/** Two tabs of one browser: what is being written in one of them while a conflict is settled in the other. */
import { bundle, show } from "../support/bundle.js";
import { expect, test } from "../support/fixtures.js";
import type {} from "../editors/page.js";

const PASSWORD = "correct horse battery staple";

/** The one document of both devices, made by each on its own. */
const ID = "0190c1a2-7b34-7c56-8d78-9e0f12345678";

for (const choice of ["copy", "mine"] as const) {
  test(`what another tab has not saved yet is part of what is settled as ${choice}`, async ({ device: laptop, newDevice }) => {
    const page = await bundle("codemirror");
    const phone = await newDevice();
    await show(phone.page, page);
    await phone.page.evaluate(async ([id, password]) => {
      const { client } = window.editorPage;
      await client.register("ada", password);
      await client.queueCreate({ document_id: id, title: "Theirs", content: "theirs" });
      await client.sync();
    }, [ID, PASSWORD] as const);
    const [first, second] = [laptop.page, await laptop.context.newPage()];
    for (const tab of [first, second]) await show(tab, page);
    await first.evaluate(async ([id, password]) => {
      const { client } = window.editorPage;
      await client.login("ada", password);
      await client.queueCreate({ document_id: id, title: "Mine", content: "mine" });
      await client.sync();
    }, [ID, PASSWORD] as const);

    // The second tab is too busy to save what was typed in it, and hears of the settlement later.
    await second.evaluate(async (id) => {
      const text = (await window.editorPage.client.openDocument(id)).getText("content");
      const cue = new BroadcastChannel("cue");
      cue.onmessage = () => {
        text.insert(text.length, " one two");
        cue.postMessage("typed");
        for (const until = performance.now() + 200; performance.now() < until; );
      };
    }, ID);
    await first.evaluate(async (chosen) => {
      const { client } = window.editorPage;
      const [conflict] = await client.conflicts();
      const cue = new BroadcastChannel("cue");
      const typed = new Promise((resolve) => (cue.onmessage = resolve));
      cue.postMessage("type");
      await typed;
      await client.resolve(conflict?.client_id ?? "", { choice: chosen });
    }, choice);
    await second.evaluate(() => window.editorPage.client.flush());

    const texts = await first.evaluate(async () => {
      const { client } = window.editorPage;
      const all = await Promise.all((await client.documents()).map(({ document_id }) => client.document(document_id)));
      return all.map((document) => `${document?.title}: ${document?.content}`).sort();
    });
    expect(texts).toEqual(choice === "copy" ? ["Mine (copy): mine one two", "Theirs: theirs"] : ["Mine: mine one two"]);
  });
}
