/**
 * Logging in, as the views see it.
 *
 * @module
 */
import { createContext, use } from "react";

/** Makes an account or logs in; what was written while logged out goes along. */
export type Account = (how: "login" | "register", username: string, password: string) => Promise<void>;

/** How the views get to it. */
export const AccountContext = createContext<Account | undefined>(undefined);

/** The way into an account. */
export function useAccount(): Account {
  const account = use(AccountContext);
  if (!account) throw new Error("useAccount needs an AccountContext above it");
  return account;
}
