/**
 * The browser, where there is one: nothing of it is touched on a server.
 *
 * @module
 */

/** Listens to a part of the browser; the returned function ends that. */
export function listen(target: EventTarget | undefined, name: string, listener: () => void): () => void {
  target?.addEventListener(name, listener);
  return () => target?.removeEventListener(name, listener);
}
