/**
 * What is typed between the click that makes a document and the moment at which its editor is there: a field takes it, and hands
 * it over.
 *
 * @module
 */

let field: HTMLTextAreaElement | undefined;
let expected: string | undefined;

/** Gives the focus to a field that nobody sees, until the editor of a new document takes it. */
export function catchKeys(): void {
  releaseKeys();
  field = document.createElement("textarea");
  field.className = "unseen";
  field.setAttribute("aria-label", "Text of the new document");
  document.body.append(field);
  field.focus();
}

/** Says which document the field is for. */
export function catchFor(documentId: string): void {
  expected = documentId;
}

/** Ends that, where no document was made. */
export function releaseKeys(): void {
  field?.remove();
  field = undefined;
  expected = undefined;
}

/** What was typed for a document so far, and whether the focus is still there; `undefined` if it is not the new one. */
export function takeKeys(documentId: string): { typed: string; hasFocus: boolean } | undefined {
  if (!field || expected !== documentId) return undefined;
  const taken = { typed: field.value, hasFocus: document.activeElement === field };
  releaseKeys();
  return taken;
}
