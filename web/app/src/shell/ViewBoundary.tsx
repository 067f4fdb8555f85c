/**
 * Keeps a view that fails from taking the whole page with it.
 *
 * @module
 */
import { Component, type ReactNode } from "react";
import { PartMissing } from "./part.ts";

/** Shows what went wrong in the place of the view. */
export class ViewBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <section className="page" role="alert">
        <h1>This view cannot be shown</h1>
        <p>{said(error)}</p>
        <p>Your documents are safe on this device.</p>
        <button onClick={() => location.reload()}>Reload</button>
      </section>
    );
  }
}

function said(error: unknown): string {
  if (error instanceof PartMissing) {
    return "A part of the editor is missing: the server has a newer version by now, or cannot be reached. Reload the page.";
  }
  return error instanceof Error ? error.message : String(error);
}
