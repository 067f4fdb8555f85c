/**
 * What did not fit into the answer to a batch: it is fetched before the result is taken in, since a document of which only the
 * name came is not an empty one.
 *
 * @module
 */
import type { Api } from "./api.js";
import { RequestRefused } from "./errors.js";
import type { QueuedOperation } from "./model.js";
import type { OperationResult, Version, WireDocument } from "./wire.js";

/** Whether the server's document did not fit into the answer. */
export function isOmitted({ server }: OperationResult): boolean {
  return server !== undefined && "omitted" in server;
}

/**
 * Fetches what did not fit into the answer. Where that fails the operation stays queued: it is sent again, and answered from its
 * receipt.
 */
export async function fetchOmitted(
  api: Api,
  workspaceId: string,
  { document_id, base_version = 0 }: QueuedOperation,
  { server: _omitted, ...result }: OperationResult,
): Promise<OperationResult> {
  const read = <T>(part: string): Promise<T | undefined> => {
    const path = `/api/v1/documents/${document_id}${part}?workspace_id=${workspaceId}`;
    return api.json<T>("GET", path).catch((error: unknown) => {
      if (error instanceof RequestRefused && error.status === 404) return undefined;
      throw error;
    });
  };
  const server = await read<WireDocument>("");
  const hasBase = result.status === "conflict" && base_version > 0;
  const version = hasBase ? await read<Version>(`/versions/${base_version}`) : undefined;
  const text = version?.content === undefined ? {} : { content: version.content };
  const base = version && { version: version.version, title: version.title, ...text };
  return { ...result, ...(server ? { server } : {}), ...(base ? { base } : {}) };
}
