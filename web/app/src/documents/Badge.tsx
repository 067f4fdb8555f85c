/**
 * How a document stands, in a word and a sign; never by colour alone.
 *
 * @module
 */
import type { DocumentState } from "@landfall/client";
import { Check, CircleAlert, Clock, GitCompareArrows, RefreshCw } from "lucide-react";
import type { ReactElement } from "react";

const SIGNS = {
  synced: Check,
  pending: Clock,
  syncing: RefreshCw,
  conflict: GitCompareArrows,
  failed: CircleAlert,
} satisfies Record<DocumentState, unknown>;

/** A document's badge. */
export function Badge({ state }: { state: DocumentState }): ReactElement {
  const Sign = SIGNS[state];
  return (
    <span className={`badge ${state}`}>
      <Sign aria-hidden />
      {state}
    </span>
  );
}
