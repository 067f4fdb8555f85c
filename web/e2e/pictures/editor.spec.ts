/** The editor's pictures in `docs/`, on a laptop and on a telephone. */
import { resolve } from "node:path";
import { Account } from "../support/account.js";
import { test } from "../support/fixtures.js";

const DOCS = resolve(import.meta.dirname, "../../../docs");
const LOG = `# Crossing to Bergen

Left Lerwick at **06:40**, wind south-west, 14 knots.

- oil checked, bilge dry
- forecast: backing south by evening
- watch: Ada until noon, then Grace

> No signal beyond Bressay. Everything below was written offline.

## Noon

61° 02′ N, 0° 31′ E. Two fulmars, one tanker.
`;
const OTHERS = ["Engine room", "Letters to write", "Provisions", "Tides", "Waypoints"];

for (const { name, colorScheme, width, height } of [
  { name: "editor-light", colorScheme: "light", width: 1200, height: 760 },
  { name: "editor-dark", colorScheme: "dark", width: 1200, height: 760 },
  { name: "editor-narrow", colorScheme: "light", width: 390, height: 760 },
] as const) {
  test(name, async ({ newDevice, server }) => {
    const ada = await Account.register(server, "ada");
    await ada.push(
      OTHERS.map((title) => ({ operation: "create", client_id: title, data: { title, content: `# ${title}\n` } })),
    );
    const { page, editor } = await newDevice({ colorScheme, viewport: { width, height } });
    await editor.open();
    await editor.logIn(ada.credentials);
    await editor.expectAllBadges("synced", OTHERS.length);
    await editor.workOffline();
    await editor.newDocument("Ship’s log", LOG);
    await page.screenshot({ path: resolve(DOCS, `${name}.png`), animations: "disabled" });
  });
}
