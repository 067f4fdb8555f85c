// Conflicts of the real server, settled in the page.
import { ROOT, type BatchSyncService, type Conflict } from "@landfall/client";
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, test } from "vitest";
import * as Y from "yjs";
import { devices, useServer } from "../../react/test/support.js";
import ConflictsView from "../src/conflicts/ConflictsView.tsx";
import { button, clash, contents, field, remove, rename, show, type, write } from "./support.tsx";

const here = useServer();

let laptop: BatchSyncService;
let phone: BatchSyncService;

beforeEach(async () => {
  location.hash = "";
  [laptop, phone] = await devices(here.server.url);
});

const texts = (): Promise<Conflict> =>
  clash([laptop, phone], "text", write("top\ntheirs\nend\n"), write("top\nmine\nend\n"));

/** Shows one conflict, ready to be settled. */
async function open({ client_id }: Conflict): Promise<void> {
  show(laptop, <ConflictsView id={client_id} />);
  await screen.findByRole("heading", { name: "Mine" });
}

/** Waits until it is settled and synced, and tells what the other device has then. */
async function settled(): Promise<string[]> {
  await waitFor(async () => {
    expect(await laptop.status()).toMatchObject({ conflicts: 0, queued: 0, dead_letters: 0 });
    expect(laptop.isSyncing).toBe(false);
  });
  await phone.sync();
  const there = await contents(phone);
  expect(await contents(laptop)).toEqual(there);
  return there;
}

describe("the list", () => {
  test("names each conflict by its title, with the kind of clash", async () => {
    const conflict = await texts();
    show(laptop, <ConflictsView />);
    const link = await screen.findByRole("link", { name: "note" });
    expect(link.getAttribute("href")).toBe(`#/conflicts/${conflict.client_id}`);
    expect(link.closest("li")?.textContent).toContain("Two texts");
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Conflicts");
  });

  test("says so when nothing clashes", async () => {
    show(laptop, <ConflictsView />);
    expect((await screen.findByText(/Nothing clashes/)).tagName).toBe("P");
  });

  test("a conflict that is settled already is no error", async () => {
    show(laptop, <ConflictsView id="0199" />);
    await screen.findByRole("heading", { name: "This conflict is settled" });
  });
});

describe("a text that both changed", () => {
  test("shows both sides, who, the differences, and what both began with", async () => {
    await open(await texts());
    const mine = screen.getByRole("region", { name: "Mine" });
    const theirs = screen.getByRole("region", { name: "Theirs" });
    expect(within(mine).getByLabelText("Mine: text").textContent).toBe("top\nmine\nend\n");
    expect(within(theirs).getByLabelText("Theirs: text").textContent).toBe("top\ntheirs\nend\n");
    expect(theirs.textContent).toContain("another of your devices");
    const difference = screen.getByRole("region", { name: "Differences from theirs to mine" });
    expect(difference.querySelector("del")?.textContent).toBe("theirs");
    expect(difference.querySelector("ins")?.textContent).toBe("mine");
    expect(screen.getByText("What both began with")).toBeTruthy();
    expect(screen.getByLabelText("What they changed since").querySelector("del")?.textContent).toBe("base");
    await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("heading", { level: 1, name: "note" })));
  });

  test("what is typed while it waits is shown as mine", async () => {
    const conflict = await texts();
    await open(conflict);
    await laptop.queueUpdate(conflict.document_id, { content: "typed on\n" });
    await waitFor(() => expect(screen.getByLabelText("Mine: text").textContent).toBe("typed on\n"));
  });

  test("Keep mine", async () => {
    const { document_id } = await texts().then(async (conflict) => (await open(conflict), conflict));
    fireEvent.click(button("Keep mine"));
    expect(await settled()).toEqual(["note: top\nmine\nend\n"]);
    await waitFor(() => expect(location.hash).toBe(`#/documents/${document_id}`));
  });

  test("Keep theirs", async () => {
    await open(await texts());
    fireEvent.click(button("Keep theirs"));
    expect(await settled()).toEqual(["note: top\ntheirs\nend\n"]);
  });

  test("Merge by hand: not before the markers are out", async () => {
    await open(await texts());
    fireEvent.click(button("Merge by hand"));
    expect(document.activeElement).toBe(field("Merged title"));
    expect(field("Merged text").value).toBe("top\n<<<<<<< incoming\nmine\n=======\ntheirs\n>>>>>>> server\nend\n");
    fireEvent.click(button("Save merged"));
    const refusal = await screen.findByText(/Line 2 is still a conflict marker/);
    expect(refusal.getAttribute("role")).toBe("alert");
    expect(document.activeElement).toBe(field("Merged text"));
    expect(await laptop.status()).toMatchObject({ conflicts: 1, queued: 0 });
    type("Merged title", " ours ");
    type("Merged text", "top\nmine and theirs\nend\n");
    fireEvent.click(button("Save merged"));
    expect(await settled()).toEqual(["ours: top\nmine and theirs\nend\n"]);
  });

  test("Keep both: with a title that is free", async () => {
    await laptop.queueCreate({ title: "note (copy)" });
    await open(await texts());
    fireEvent.click(button("Keep both"));
    expect(field("Title of the copy").value).toBe("note (copy 2)");
    type("Title of the copy", "Note");
    fireEvent.click(button("Save copy"));
    await screen.findByText(/Another document has the title “Note”/);
    type("Title of the copy", "mine apart");
    fireEvent.click(button("Save copy"));
    expect(await settled()).toEqual(["mine apart: top\nmine\nend\n", "note (copy): ", "note: top\ntheirs\nend\n"]);
  });

  test("a form that is cancelled gives the focus back, and changes nothing", async () => {
    await open(await texts());
    fireEvent.click(button("Keep both"));
    fireEvent.click(button("Cancel"));
    expect(document.activeElement).toBe(button("Keep both"));
    expect(screen.queryByLabelText("Title of the copy")).toBeNull();
    expect(await laptop.status()).toMatchObject({ conflicts: 1 });
  });
});

describe("two titles", () => {
  const titles = (): Promise<Conflict> => clash([laptop, phone], "yjs", rename("theirs"), rename("mine"));

  test("Keep mine gives the document my title", async () => {
    await open(await titles());
    expect(screen.getByText(/each gave this document another title/)).toBeTruthy();
    expect(screen.getByText("The document gets your title everywhere.")).toBeTruthy();
    fireEvent.click(button("Keep mine"));
    expect(await settled()).toEqual(["mine: top\nbase\nend\n"]);
  });

  test("Merge by hand gives it a third", async () => {
    await open(await titles());
    fireEvent.click(button("Merge by hand"));
    type("Merged title", "ours");
    fireEvent.click(button("Save merged"));
    expect(await settled()).toEqual(["ours: top\nbase\nend\n"]);
  });

  test("Keep both leaves a document of each title", async () => {
    await open(await titles());
    fireEvent.click(button("Keep both"));
    expect(field("Title of the copy").value).toBe("mine");
    fireEvent.click(button("Save copy"));
    expect(await settled()).toEqual(["mine: top\nbase\nend\n", "theirs: top\nbase\nend\n"]);
  });
});

describe("a deletion against a change", () => {
  test("deleted there: no merge is offered, and mine brings it back", async () => {
    await open(await clash([laptop, phone], "yjs", remove, write("mine\n")));
    expect(screen.getByText(/You changed this document on this device/)).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Merge by hand" })).toBeNull();
    fireEvent.click(button("Keep mine"));
    expect(await settled()).toEqual(["note: mine\n"]);
  });

  test("deleted there: theirs leaves it deleted, and leads to the list", async () => {
    await open(await clash([laptop, phone], "yjs", remove, write("mine\n")));
    fireEvent.click(button("Keep theirs"));
    expect(await settled()).toEqual([]);
    await waitFor(() => expect(location.hash).toBe("#/conflicts"));
  });

  test("deleted here: nothing to copy or merge is offered", async () => {
    await open(await clash([laptop, phone], "text", write("theirs\n"), remove));
    expect(screen.getByText("You deleted it.")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Merge by hand" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Keep both" })).toBeNull();
    fireEvent.click(button("Keep theirs"));
    expect(await settled()).toEqual(["note: theirs\n"]);
  });
});

describe("a document that both began", () => {
  /** Two documents under one id, each with a history of its own. */
  async function begunTwice(): Promise<Conflict> {
    const id = await laptop.queueCreate({ title: "note", content: "mine\n" });
    await phone.queueCreate({ title: "note", content: "theirs\n", document_id: id });
    await phone.sync();
    await laptop.sync();
    const [conflict] = await laptop.conflicts();
    if (!conflict) throw new Error("there is no conflict");
    return conflict;
  }

  test("Merge by hand begins with my text where the server made none, and never doubles it", async () => {
    await open(await begunTwice());
    expect(screen.getByText(/each made this document|stand there twice/)).toBeTruthy();
    fireEvent.click(button("Merge by hand"));
    expect(field("Merged text").value).toBe("mine\n");
    type("Merged text", "mine\ntheirs\n");
    fireEvent.click(button("Save merged"));
    expect(await settled()).toEqual(["note: mine\ntheirs\n"]);
  });

  test("rich text cannot be merged by hand in a plain field, and is kept as a copy", async () => {
    const conflict = await begunTwice();
    const doc = await laptop.openDocument(conflict.document_id);
    doc.getText(ROOT).insertEmbed(0, new Y.XmlElement("image"));
    await laptop.flush();
    await open(conflict);
    await waitFor(() => expect(screen.queryByRole("button", { name: "Merge by hand" })).toBeNull());
    expect(button("Keep both").disabled).toBe(false);
  });
});

test("after one is settled the next is shown, with what was done", async () => {
  const first = await texts();
  const second = await clash([laptop, phone], "text", write("theirs\n"), write("mine\n"), "another");
  const page = show(laptop, <ConflictsView key={first.client_id} id={first.client_id} />);
  await screen.findByRole("heading", { name: "Mine" });
  fireEvent.click(button("Keep theirs"));
  await waitFor(() => expect(location.hash).toBe(`#/conflicts/${second.client_id}`));
  page.rerender(<ConflictsView key={second.client_id} id={second.client_id} />);
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe("Kept their side of “note”."));
  expect(document.activeElement).toBe(screen.getByRole("heading", { level: 1, name: "another" }));
});
