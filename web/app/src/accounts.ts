/**
 * Which store of this device is open. Each account has one of its own, so that nobody's documents are shown to, or
 * pushed as, somebody else; what is written before the first login lies in a store that this login adopts. A workspace
 * that is not the account's own has a store of its own as well, beside the account's, which keeps the login.
 *
 * @module
 */
import type { Role } from "@landfall/client/workspace";

const KEY = "landfall.accounts";

/** Where the documents of an account lie. */
interface Accounts {
  /** The store that is open. */
  current: string;
  /** Store by account. */
  stores: Record<string, string>;
  /** What lies in the other stores. */
  shared?: SharedStore[];
}

/** The store of a workspace that is not the account's own. */
export interface SharedStore {
  store: string;
  /** The account's store, where its login is kept. */
  home: string;
  username: string;
  workspace_id: string;
  name: string;
  /** What the account may do there, as the server last told. */
  role?: Role;
}

const FIRST = "landfall-device";

/** An account's name as the server has it: in lower case, however it is typed. */
export function accountName(typed: string): string {
  return typed.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function read(): Accounts {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    if (isAccounts(kept)) return inLowerCase(kept);
  } catch {
    // Written by something else, or not readable: the first store is always there.
  }
  return { current: FIRST, stores: {} };
}

/** Names were once kept as they were typed. An account that got two stores by that keeps both. */
function inLowerCase({ current, stores, shared }: Accounts): Accounts {
  const named = Object.entries(stores).map(([typed, store]) => {
    const name = accountName(typed);
    return [Object.hasOwn(stores, name) ? typed : name, store];
  });
  return {
    current,
    stores: Object.fromEntries(named),
    ...(shared && { shared: shared.map((row) => ({ ...row, username: accountName(row.username) })) }),
  };
}

function isAccounts(value: unknown): value is Accounts {
  if (typeof value !== "object" || value === null || !("current" in value) || !("stores" in value)) return false;
  if ("shared" in value && !Array.isArray(value.shared)) return false;
  return typeof value.current === "string" && typeof value.stores === "object" && value.stores !== null;
}

/** The name of the store that is open. */
export function currentStore(): string {
  return read().current;
}

/**
 * The store in which this account's documents belong. A store that belongs to nobody yet becomes the account's.
 *
 * @param typed the account's name as it was typed
 * @param owner whose documents lie in the store that is open, if it was ever logged in
 */
export function storeFor(typed: string, owner: string | undefined): string {
  const { current, stores } = read();
  const username = accountName(typed);
  const known = (name: string): string | undefined => (Object.hasOwn(stores, name) ? stores[name] : undefined);
  const second = typed === username ? undefined : known(typed);
  if (second !== undefined) return second;
  if (owner === username) return sharedStore(current)?.home ?? current;
  return known(username) ?? (owner === undefined ? current : `landfall-${crypto.randomUUID()}`);
}

/** Keeps which store is an account's, and that it is open now. */
export function remember(typed: string, store: string): void {
  const { stores, shared } = read();
  const username = accountName(typed);
  const isKept = Object.entries(stores).some(([name, kept]) => kept === store && accountName(name) === username);
  write({ current: store, stores: isKept ? stores : { ...stores, [username]: store }, ...(shared && { shared }) });
}

/** What is known of a store, if it is that of a workspace which is not the account's own. */
export function sharedStore(store: string): SharedStore | undefined {
  return read().shared?.find((row) => row.store === store);
}

/** The other workspaces that an account has on this device. */
export function sharedStores(username: string): SharedStore[] {
  return (read().shared ?? []).filter((row) => row.username === username);
}

/** The store of a workspace, made up if the account never opened it here; keeps that it is open now. */
export function enterShared(workspace: Omit<SharedStore, "store">): string {
  const { stores, shared = [] } = read();
  const isThis = (row: SharedStore): boolean =>
    row.home === workspace.home && row.workspace_id === workspace.workspace_id;
  const before = shared.find(isThis);
  const store = before?.store ?? `landfall-${crypto.randomUUID()}`;
  const others = shared.filter((row) => !isThis(row));
  write({ current: store, stores, shared: [...others, { ...before, ...workspace, store }] });
  return store;
}

/**
 * Forgets an account, and opens a store that belongs to nobody.
 *
 * @returns the stores that were the account's
 */
export function forget(typed: string | undefined): string[] {
  const { current, stores, shared = [] } = read();
  const username = typed === undefined ? undefined : accountName(typed);
  const theirs = (name: string): boolean => accountName(name) === username;
  const gone = [
    ...Object.entries(stores).flatMap(([name, store]) => (theirs(name) ? [store] : [])),
    ...shared.flatMap((row) => (theirs(row.username) ? [row.store, row.home] : [])),
    current,
  ];
  write({
    current: `landfall-${crypto.randomUUID()}`,
    stores: Object.fromEntries(Object.entries(stores).filter(([name]) => !theirs(name))),
    shared: shared.filter((row) => !theirs(row.username)),
  });
  return [...new Set(gone)];
}

/** Keeps what the account may do in a workspace. */
export function keepRole(store: string, role: Role): void {
  const { shared = [], ...others } = read();
  write({ ...others, shared: shared.map((row) => (row.store === store ? { ...row, role } : row)) });
}

function write(accounts: Accounts): void {
  localStorage.setItem(KEY, JSON.stringify(accounts));
}
