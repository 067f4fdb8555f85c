/**
 * Logging in and out, as the views see it.
 *
 * @module
 */
import { createContext, use } from "react";

/** What can be done with accounts. */
export interface Account {
  /** Makes an account or logs in; what was written while logged out goes along. */
  enter(how: "login" | "register", username: string, password: string): Promise<void>;
  /**
   * Ends the account's session; in a workspace that is shared with it, too.
   *
   * @param removes whether its documents, of all its workspaces, are removed from this device
   */
  leave(removes: boolean): Promise<void>;
}

/** How the views get to it. */
export const AccountContext = createContext<Account | undefined>(undefined);

/** The way into an account, and out of it. */
export function useAccount(): Account {
  const account = use(AccountContext);
  if (!account) throw new Error("useAccount needs an AccountContext above it");
  return account;
}
