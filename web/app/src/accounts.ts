/**
 * Which store of this device is open. Each account has one of its own, so that nobody's documents are shown to, or pushed as,
 * somebody else; what is written before the first login lies in a store that this login adopts.
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
  if (owner === username) return current;
  const known = Object.hasOwn(stores, username) ? stores[username] : undefined;
  return known ?? (owner === undefined ? current : `landfall-${crypto.randomUUID()}`);
}

/** Keeps which store is an account's, and that it is open now. */
export function remember(username: string, store: string): void {
  const { stores } = read();
  localStorage.setItem(KEY, JSON.stringify({ current: store, stores: { ...stores, [username]: store } }));
}
