/**
 * The editor as its user knows it: one function for each thing that one does there, by roles and names alone, as a
 * screen reader tells them.
 *
 * @module
 */
import { expect, type Locator, type Page } from "@playwright/test";
import type { Credentials } from "./support/account.js";

/** How a document stands, as its badge says. */
export type Badge = "synced" | "pending" | "syncing" | "conflict" | "failed";

/** What there is besides documents. */
export type View = "Conflicts" | "Failed" | "Deleted" | "Past syncs" | "Sharing" | "Account";

/** Ways out of a conflict: the button that takes each, and before it the one that opens its form. */
const choices = {
  mine: { opener: undefined, button: "Keep mine" },
  theirs: { opener: undefined, button: "Keep theirs" },
  both: { opener: "Keep both", button: "Save copy" },
  merged: { opener: "Merge by hand", button: "Save merged" },
} as const;

/** A way out of a conflict. */
export type Choice = keyof typeof choices;

/** A page with the editor in it. */
export class Editor {
  /** The page. */
  readonly page: Page;
  /** The region that tells how the sync stands. */
  readonly sync: Locator;
  /** The bar of a sync that runs. */
  readonly progress: Locator;
  /** The list of documents. */
  readonly documents: Locator;
  /** The open document's title. */
  readonly title: Locator;
  /** The open document's text. */
  readonly text: Locator;
  /** The view. */
  readonly main: Locator;
  /** The switch that keeps the network unused. */
  readonly offlineSwitch: Locator;

  /** @param page a page of a server with the editor; it need not be open yet. */
  constructor(page: Page) {
    this.page = page;
    this.sync = page.getByRole("region", { name: "Sync" });
    this.progress = page.getByRole("progressbar", { name: "Sync" });
    this.documents = page.getByRole("navigation", { name: "Documents" });
    this.title = page.getByRole("textbox", { name: "Title" });
    this.text = page.getByRole("textbox", { name: "Text", exact: true });
    this.main = page.getByRole("main");
    this.offlineSwitch = page.getByRole("switch", { name: "Work offline" });
  }

  /** Opens the editor, and waits until it can be used. */
  async open(): Promise<void> {
    await this.page.goto("/");
    await this.expectUsable();
  }

  /** Loads the page again, as it stands. */
  async reload(): Promise<void> {
    await this.page.reload();
    await this.expectUsable();
  }

  /** The editor stands, and takes new documents. */
  async expectUsable(): Promise<void> {
    await expect(this.button("New document")).toBeVisible();
  }

  /** Waits until the page is kept on the device and opens without a network. */
  async expectInstalled(): Promise<void> {
    await this.page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
  }

  /** Makes an account, and is logged in. */
  async register(credentials: Credentials): Promise<void> {
    await this.#enter(credentials, "Create account");
  }

  /** Logs in. */
  async logIn(credentials: Credentials): Promise<void> {
    await this.#enter(credentials, "Log in");
  }

  async #enter({ username, password }: Credentials, button: string): Promise<void> {
    await this.button("Log in").click();
    const dialog = this.page.getByRole("dialog", { name: "Log in" });
    await dialog.getByLabel("Username").fill(username);
    await dialog.getByLabel("Password").fill(password);
    await dialog.getByRole("button", { name: button, exact: true }).click();
    await expect(dialog).toBeHidden();
  }

  /** Logs out; documents stay on the device. */
  async logOut(): Promise<void> {
    await this.button("Log out").click();
    await this.button("Keep documents here").click();
    await expect(this.button("Log in")).toBeVisible();
  }

  /** Makes a document and writes it. */
  async newDocument(title: string, text = ""): Promise<void> {
    await this.showList();
    await this.button("New document").click();
    // Until then the document that was open before is still shown.
    await expect(this.title).toHaveValue(/^Untitled/);
    await this.rename(title);
    if (text !== "") await this.write(text);
  }

  /** Gives the open document another title. */
  async rename(title: string): Promise<void> {
    await this.title.fill(title);
    await this.title.press("Enter");
    await expect(this.page).toHaveTitle(`${title} · Landfall`);
  }

  /** Opens a document from the list. */
  async openDocument(title: string): Promise<void> {
    await this.showList();
    await this.link(title).click();
    await expect(this.title).toHaveValue(title);
    await expect(this.text).toBeVisible();
  }

  /** Puts this text in place of the open document's. */
  async write(text: string): Promise<void> {
    // Typed over a selection, Chromium would keep its look by a `style` attribute, and say on the console that it may not.
    await this.text.press("ControlOrMeta+a");
    await this.text.press("Delete");
    await this.text.fill(text);
    await this.expectSaved();
  }

  /** Types at the end of the open document, key by key. */
  async type(text: string): Promise<void> {
    await this.text.press("ControlOrMeta+End");
    await this.text.pressSequentially(text);
    await this.expectSaved();
  }

  /** Types at the beginning of the open document, key by key. */
  async typeAtStart(text: string): Promise<void> {
    await this.text.press("ControlOrMeta+Home");
    await this.text.pressSequentially(text);
    await this.expectSaved();
  }

  /** What was written is on the device's disk. */
  async expectSaved(): Promise<void> {
    await expect(this.page.getByRole("status").filter({ hasText: "Saved on this device" })).toBeVisible();
  }

  /** Deletes the open document. */
  async deleteDocument(): Promise<void> {
    const title = await this.title.inputValue();
    await this.button("Delete").click();
    await expect(this.link(title)).toHaveCount(0);
  }

  /** The open document has this text, to the character. Long texts are drawn in part only: ask the server for those. */
  async expectText(text: string): Promise<void> {
    await expect.poll(() => this.readText(), { message: "the text in the editor" }).toBe(text);
  }

  /** The open document's text, line by line as it is drawn. */
  async readText(): Promise<string> {
    // A document that is no Yjs document is written in a plain field.
    if ((await this.text.evaluate((element) => element.tagName)) === "TEXTAREA") return this.text.inputValue();
    const lines = await this.text.locator(".cm-line").allInnerTexts();
    return lines.map((line) => line.replace(/\n$/, "")).join("\n");
  }

  /** A document's badge says this, now or soon. */
  async expectBadge(title: string, badge: Badge): Promise<void> {
    await expect(this.link(title)).toHaveAccessibleName(new RegExp(`${badge}$`));
  }

  /** Every document's badge says this. */
  async expectAllBadges(badge: Badge, count: number): Promise<void> {
    await expect(this.documents.getByRole("link", { name: new RegExp(`${badge}$`) })).toHaveCount(count);
    await expect(this.documents.getByRole("link")).toHaveCount(count);
  }

  /** Turns the switch: nothing is sent until it is turned back. */
  async workOffline(): Promise<void> {
    await this.offlineSwitch.check({ force: true });
    await expect(this.offlineSwitch).toBeChecked();
  }

  /** Turns the switch back. */
  async workOnline(): Promise<void> {
    await this.offlineSwitch.uncheck({ force: true });
    await expect(this.offlineSwitch).not.toBeChecked();
  }

  /** Takes the network away from the whole device. */
  async goOffline(): Promise<void> {
    await this.page.context().setOffline(true);
  }

  /** Gives the network back. */
  async goOnline(): Promise<void> {
    await this.page.context().setOffline(false);
  }

  /** Syncs by hand. */
  async syncNow(): Promise<void> {
    await this.button("Sync now").click();
  }

  /** Stops the sync that runs. */
  async cancelSync(): Promise<void> {
    await this.button("Cancel sync").click();
  }

  /** Goes on with the sync that was stopped. */
  async resumeSync(): Promise<void> {
    await this.button("Resume sync").click();
  }

  /** All is on the server, and the page says so. */
  async expectSynced(): Promise<void> {
    await expect(this.sync).toContainText(/^\s*Synced/);
  }

  /** The counts that the sync shows now, if it shows any. */
  async counts(): Promise<{ done: number; total: number } | undefined> {
    const told = /(\d+) of (\d+)/.exec(await this.sync.innerText());
    return told === null ? undefined : { done: Number(told[1]), total: Number(told[2]) };
  }

  /** Opens one of the other views. */
  async openView(view: View): Promise<void> {
    await this.showList();
    const views = this.page.getByRole("navigation", { name: "Views" });
    await views.getByRole("link", { name: new RegExp(`^${view}`) }).click();
    await expect(this.main.getByRole("heading", { name: view, level: 1 })).toBeVisible();
  }

  /** Opens the history of the open document. */
  async openHistory(): Promise<void> {
    await this.main.getByRole("link", { name: "History" }).click();
    await expect(this.main.getByRole("heading", { name: "History", level: 1 })).toBeVisible();
  }

  /** Opens the conflict of a document, with both sides. */
  async openConflict(title: string): Promise<void> {
    await this.openView("Conflicts");
    await this.main.getByRole("link", { name: title, exact: true }).click();
    await expect(this.main.getByRole("heading", { name: title, level: 1 })).toBeVisible();
  }

  /**
   * Settles the conflict of a document.
   *
   * @param outcome for `merged`: title and text; for `both`: the copy's title. What is left out stays as it is proposed.
   */
  async settleConflict(title: string, choice: Choice, outcome: { title?: string; text?: string } = {}): Promise<void> {
    await this.openConflict(title);
    const main = this.page.getByRole("main");
    const { opener, button } = choices[choice];
    if (opener !== undefined) await main.getByRole("button", { name: opener, exact: true }).click();
    if (outcome.title !== undefined) await main.getByLabel(/^(Merged title|Title of the copy)$/).fill(outcome.title);
    if (outcome.text !== undefined) await main.getByLabel("Merged text").fill(outcome.text);
    await main.getByRole("button", { name: button, exact: true }).click();
    await expect(main.getByRole("button", { name: "Keep mine" })).toHaveCount(0);
  }

  /** What failed, by title. */
  async expectFailed(titles: readonly string[]): Promise<void> {
    await this.openView("Failed");
    await expect(this.main.getByRole("listitem").getByRole("heading")).toHaveText([...titles]);
  }

  /** Tries again what failed. */
  async retryFailed(): Promise<void> {
    await this.openView("Failed");
    await this.button("Retry all").click();
  }

  /** Brings the open document back to how it was in a version. */
  async restoreVersion(version: number): Promise<void> {
    await this.openHistory();
    const versions = this.main.getByRole("list", { name: "Versions" });
    await versions.getByRole("button", { name: new RegExp(`^Version ${version}\\b`) }).click();
    await this.button("Restore this version").click();
    await this.page.getByRole("dialog").getByRole("button", { name: "Restore", exact: true }).click();
    await this.main.getByRole("link", { name: "Open the document" }).click();
    await expect(this.text).toBeVisible();
  }

  /** On a narrow screen, goes back from a view to the list. */
  async showList(): Promise<void> {
    if (await this.documents.isVisible()) return;
    await this.page.getByRole("banner").getByRole("link", { name: "Landfall" }).click();
    await expect(this.documents).toBeVisible();
  }

  /** A button by its whole name. */
  button(name: string): Locator {
    return this.page.getByRole("button", { name, exact: true });
  }

  /** A document in the list. No title may be the beginning of another one. */
  link(title: string): Locator {
    return this.documents.getByRole("link", { name: new RegExp(`^${escaped(title)}(?=\\s|$)`) });
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
