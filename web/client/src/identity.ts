/**
 * Who this installation is, and which workspace it works in.
 *
 * @module
 */
import { uuidv7 } from "./bytes.js";
import { LoginNeeded } from "./errors.js";
import { getMeta, setMeta, type Transaction } from "./store.js";

/** The name of this installation, made once. */
export async function deviceId(tx: Transaction, now: number): Promise<string> {
  const present = await getMeta(tx, "device_id");
  if (present !== undefined) return present;
  const made = uuidv7(now);
  await setMeta(tx, "device_id", made);
  return made;
}

/**
 * The workspace: the one that was chosen, else the one that the login came with.
 *
 * @throws {@link LoginNeeded} if nobody has logged in here yet
 */
export async function workspaceId(tx: Transaction, chosen: string | undefined): Promise<string> {
  const id = chosen ?? (await getMeta(tx, "workspace_id"));
  if (id === undefined) throw new LoginNeeded();
  return id;
}
