/**
 * Logging in and out: the tokens lie in the store, the password nowhere.
 *
 * @module
 */
import type { Engine } from "./engine.js";
import { OtherAccountError } from "./errors.js";
import { getMeta, setMeta } from "./store.js";

/**
 * Logs in, or makes an account and logs in. The store is that account's from then on.
 *
 * @throws {@link OtherAccountError} if the store is another account's
 */
export async function logIn(
  { store, api }: Engine,
  how: "login" | "register",
  name: string,
  password: string,
): Promise<void> {
  // As the server has it: no two accounts differ by case alone.
  const username = name.toLowerCase();
  const owner = await store.transaction("read", (tx) => getMeta(tx, "username"));
  if (owner !== undefined && owner !== username) throw new OtherAccountError(owner);
  const { access_token, refresh_token, workspace_id } = await api.session(how, { username, password });
  await store.transaction("write", async (tx) => {
    await setMeta(tx, "session", { username, access_token, refresh_token });
    await setMeta(tx, "username", username);
    if (workspace_id !== undefined && !(await getMeta(tx, "workspace_id")))
      await setMeta(tx, "workspace_id", workspace_id);
  });
}

/** Ends the session here and, if it can be reached, on the server. */
export async function logOut({ store, api }: Engine): Promise<void> {
  const session = await store.transaction("read", (tx) => getMeta(tx, "session"));
  await store.transaction("write", (tx) => setMeta(tx, "session", undefined));
  if (!session) return;
  const { refresh_token } = session;
  await api.open("POST", "/api/v1/auth/logout", { refresh_token }).catch(() => undefined);
}
