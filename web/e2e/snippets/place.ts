/**
 * What the code of docs/live.md takes from the page that it stands in.
 *
 * @module
 */

/** What a test gives the page. */
export interface Place {
  workspaceId: string;
  documentId: string;
  user: { name: string; color: string };
  token: string;
  credentials: { username: string; password: string };
  /** Whether an offline client makes the document, or pulls it. */
  isFirst: boolean;
}

declare global {
  interface Window {
    place: Place;
  }
}

export const { workspaceId, documentId, user } = window.place;
export const accessToken = (): Promise<string> => Promise.resolve(window.place.token);
export const element = document.body.appendChild(document.createElement("div"));
