// Members where the server adds them at once, without an invitation: people who know each other.
import { screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { newName } from "../../react/test/support.js";
import { device, fill, press, rowsOf } from "./page.tsx";
import { openAs, useWholePage } from "./whole-page.tsx";

const use = useWholePage({ LANDFALL_MEMBERS: "at-once" });

test("somebody who is added is a member at once, and a name that nobody has is told", async () => {
  const other = newName();
  const { username: grace = "" } = await (await device(use.server.url)).status();
  await openAs(newName(), "Create account");
  location.hash = "#/sharing";
  await screen.findByRole("table", { name: "Members" });
  fill("Username", other);
  await press("Add");
  expect((await screen.findByRole("alert")).textContent).toContain(`nobody by the name “${other}”`);

  fill("Username", grace);
  fill("Role", "viewer");
  await press("Add");
  await screen.findByText(new RegExp(`^${grace} is a viewer of .* now:`));
  await waitFor(() => expect(rowsOf("Members").map(([name]) => name)).toContain(grace));
  expect(screen.queryByRole("list", { name: "Open invitations" })).toBeNull();
});
