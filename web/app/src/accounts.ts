/**
 * Which store of this device is open. Each account has one of its own, so that nobody's documents are shown to, or
 * pushed as, somebody else; what is written before the first login lies in a store that this login adopts. A workspace
 * that is not the account's own has a store of its own as well, beside the account's, which keeps the login.
 *
 * @module
 */
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
}

const FIRST = "landfall-device";

function read(): Accounts {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    if (isAccounts(kept)) return kept;
  } catch {
    // Written by something else, or not readable: the first store is always there.
  }
  return { current: FIRST, stores: {} };
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
 * @param owner whose documents lie in the store that is open, if it was ever logged in
 */
export function storeFor(username: string, owner: string | undefined): string {
  const { current, stores } = read();
  if (owner === username) return sharedStore(current)?.home ?? current;
  const known = Object.hasOwn(stores, username) ? stores[username] : undefined;
  return known ?? (owner === undefined ? current : `landfall-${crypto.randomUUID()}`);
}

/** Keeps which store is an account's, and that it is open now. */
export function remember(username: string, store: string): void {
  const { stores, shared } = read();
  write({ current: store, stores: { ...stores, [username]: store }, ...(shared && { shared }) });
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
  const store = shared.find(isThis)?.store ?? `landfall-${crypto.randomUUID()}`;
  write({ current: store, stores, shared: [...shared.filter((row) => !isThis(row)), { ...workspace, store }] });
  return store;
}

function write(accounts: Accounts): void {
  localStorage.setItem(KEY, JSON.stringify(accounts));
}
