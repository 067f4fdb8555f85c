/** The editor's pictures in `docs/`. */
import { resolve } from "node:path";
import type { Page } from "@playwright/test";
import { Account } from "../support/account.js";
import { test, type Device } from "../support/fixtures.js";

const LOG = `# Crossing to Bergen

Left Lerwick at **06:40**, wind south-west, 14 knots.

- oil checked, bilge dry
- forecast: backing south by evening
- watch: Ada until noon, then Grace

> No signal beyond Bressay. Everything below was written offline.

## Noon

61° 02′ N, 0° 31′ E. Two fulmars, one tanker.
`;
const PROVISIONS = `# Provisions

- coffee, 2 kg
- oats, 3 kg
- diesel, 180 l
- water, 300 l

Bought in Lerwick on Friday.
`;
const OTHERS = ["Crew list", "Engine room", "Letters to write", "Tides at Bressay"];
/** More than this server takes. */
const CHART = `# Soundings\n\n${"12 m, sand and shell, 60° 09′ N, 1° 07′ W\n".repeat(50)}`;

test.use({ settings: { LANDFALL_MAX_YJS_BYTES: "2000" } });

test("the editor and a conflict", async ({ newDevice, server }) => {
  const ada = await Account.register(server, "ada");
  const create = (title: string, content: string): object => ({
    operation: "create",
    client_id: title,
    data: { title, content },
  });
  const made = await ada.push([...OTHERS.map((title) => create(title, `# ${title}\n`)), create("Provisions", PROVISIONS)]);
  const device = await newDevice({ colorScheme: "light", viewport: { width: 1200, height: 880 } });
  const { page, editor } = device;
  await editor.open();
  await editor.logIn(ada.credentials);
  await editor.expectAllBadges("synced", OTHERS.length + 1);
  await editor.newDocument("Ship’s log", LOG.slice(0, LOG.indexOf("\n>")));
  await editor.expectBadge("Ship’s log", "synced");

  await editor.workOffline();
  await clash(device, ada, made.results.at(-1)?.document_id);
  await editor.newDocument("Soundings", CHART);
  await editor.workOnline();
  await editor.expectBadge("Provisions", "conflict");
  await editor.expectBadge("Soundings", "failed");
  await editor.workOffline();
  await editor.newDocument("Bergen", "Grace’s brother, the chandler at Bryggen.");
  await editor.openDocument("Ship’s log");
  await editor.write(LOG);
  await editor.expectBadge("Ship’s log", "pending");
  await picture(page, "editor");

  await editor.workOnline();
  await editor.expectBadge("Ship’s log", "synced");
  await editor.openConflict("Provisions");
  await picture(page, "editor-conflict");
});

/** Ada changes the list on board, without a network, and at home. */
async function clash({ editor }: Device, ada: Account, document_id: string | undefined): Promise<void> {
  await editor.openDocument("Provisions");
  await editor.write(PROVISIONS.replace("coffee, 2 kg", "coffee, 4 kg: the nights are long").replace("300 l", "350 l"));
  const content = PROVISIONS.replace("coffee, 2 kg", "coffee, 1 kg, and tea").replace("Friday", "Saturday");
  await ada.push([{ operation: "update", client_id: "at home", document_id, base_version: 1, data: { content } }]);
}

async function picture(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0);
  await page.screenshot({ path: resolve(import.meta.dirname, `../../../docs/${name}.png`), animations: "disabled" });
}
