/**
 * Logging in, as the views see it.
 *
 * @module
 */
import type { SyncActions } from "@landfall/react";
import { createContext, use } from "react";

/** The two ways into an account. */
export type Entrance = Pick<SyncActions, "login" | "register">;

/**
 * Makes an account or logs in; what was written while logged out goes along.
 *
 * @param here the way in where the documents that are shown now belong to that account, or to nobody yet
 */
export type Account = (how: keyof Entrance, username: string, password: string, here: Entrance) => Promise<void>;

/** How the views get to it. */
export const AccountContext = createContext<Account | undefined>(undefined);

/** The way into an account. */
export function useAccount(): Account {
  const account = use(AccountContext);
  if (!account) throw new Error("useAccount needs an AccountContext above it");
  return account;
}
