/**
 * What documents are called where they are listed.
 *
 * @module
 */

/** What stands for a title that has nothing to be seen or pressed. */
export const UNTITLED = "Untitled";

/** A title as it is shown. */
export function shownTitle(title: string): string {
  return title.trim() === "" ? UNTITLED : title;
}
