/**
 * Why a document is not live, in words for people.
 *
 * @module
 */

/** Why a document is not live, where that is more than a connection that was lost. */
export interface LiveProblem {
  /** The close code of the socket, or the one with which the server refused the document alone (docs/protocol.md §8). */
  code?: number;
  /** For people. */
  reason: string;
}

/** What close codes mean if the server gives no reason. After any other code the next try may well succeed. */
const REASONS: Readonly<Record<number, string>> = {
  1009: "a message is too large",
  1013: "the server cannot do this now",
  4400: "a message cannot be read",
  4403: "you are no longer a member of this workspace",
  4404: "there is no such workspace, or it is not yours",
  4410: "the document was deleted",
  4422: "the server refused a change",
  4429: "as many documents are open as may be",
  4529: "too many sockets are open",
};

/** The problem that a page reports for a close code; none for a connection that was lost. */
export function problemOf(code: number, reason: string): LiveProblem | undefined {
  const known = REASONS[code];
  return known === undefined ? undefined : { code, reason: reason === "" ? known : reason };
}

/** The problem with a document that the server refuses alone. */
export function refusalOf({ code, reason }: { code: number | undefined; reason: string }): LiveProblem {
  return code === undefined ? { reason } : { code, reason };
}
