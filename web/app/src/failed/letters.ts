/**
 * Dead letters in words: what was tried, why it was refused, what helps, and what is lost by giving up.
 *
 * @module
 */
import type { DeadLetter } from "@landfall/client";

/** A title short enough to stand in a sentence; the server may have refused it for its length. */
export function quoted(title: string): string {
  const characters = [...title];
  return `“${characters.length > SHORT ? `${characters.slice(0, SHORT).join("").trimEnd()}…` : title}”`;
}

/** Characters of a title in a sentence. */
const SHORT = 60;

/** What was tried. */
export function deedOf({ operation }: DeadLetter): string {
  switch (operation.operation) {
    case "create":
      return "Making this document";
    case "delete":
      return "Deleting this document";
    case "update":
      return operation.restore ? "Bringing this document back" : "Changing this document";
  }
}

/** What one can do about it; `undefined` if the message says it all. */
export function adviceOn({ error, operation }: DeadLetter): string | undefined {
  switch (error.code) {
    case "too_large":
    case "invalid":
      return adviceOnMending(operation);
    case "forbidden":
      return "You may read here, but not write. Ask the owner of the workspace, then retry.";
    case "not_found":
      return "The server no longer has it. Export it if you want to keep it, or discard it.";
    case "transient":
    case "internal":
      return "The server could not do it then. Retry.";
    default:
      return error.retryable ? "It may succeed if it is tried again." : undefined;
  }
}

/** A retry sends exactly what was refused; what mends it is an edit, which takes it along. */
function adviceOnMending({ operation }: DeadLetter["operation"]): string | undefined {
  return operation === "delete" ? undefined : "Open the document and correct it; it is then sent again.";
}

/** What giving up loses. */
export function lossOf({ operation }: DeadLetter, title: string): string {
  switch (operation.operation) {
    case "create":
      return `${quoted(title)} never reached the server. The document and its whole text are removed from this device, and are nowhere else.`;
    case "delete":
      return `${quoted(title)} is not deleted: it comes back to this device as the server has it.`;
    case "update":
      return `What you changed in ${quoted(title)} since then is lost. The document becomes what the server has.`;
  }
}
