/**
 * Which view is shown. It lies in the address behind `#`, so that it survives a reload with no network, and the
 * browser's own back button works.
 *
 * @module
 */
import { useSyncExternalStore } from "react";

/** A view of the editor. */
export type Route =
  | { view: "home" }
  | { view: "document"; id: string }
  | { view: "history"; id: string }
  | { view: "conflicts"; id?: string }
  | { view: "failed" }
  | { view: "deleted" }
  | { view: "syncs" }
  | { view: "sharing" }
  | { view: "account" };

/** The address of a view. */
export function hrefOf(route: Route): string {
  switch (route.view) {
    case "home":
      return "#/";
    case "document":
      return `#/documents/${route.id}`;
    case "history":
      return `#/documents/${route.id}/history`;
    case "conflicts":
      return route.id === undefined ? "#/conflicts" : `#/conflicts/${route.id}`;
    default:
      return `#/${route.view}`;
  }
}

/** The view of an address; the home view if there is none. */
export function routeOf(hash: string): Route {
  const [view, id, part] = hash.replace(/^#?\/?/, "").split("/");
  if (view === "documents" && id) return { view: part === "history" ? "history" : "document", id };
  if (view === "conflicts") return id ? { view, id } : { view };
  if (view === "failed" || view === "deleted" || view === "syncs") return { view };
  if (view === "sharing" || view === "account") return { view };
  return { view: "home" };
}

/** Goes to a view. */
export function go(route: Route): void {
  location.hash = hrefOf(route);
}

/** The view that is shown. */
export function useRoute(): Route {
  return routeOf(useSyncExternalStore(listen, () => location.hash));
}

function listen(onChange: () => void): () => void {
  addEventListener("hashchange", onChange);
  return () => removeEventListener("hashchange", onChange);
}
