/**
 * What a version is, in words.
 *
 * @module
 */
import type { VersionSummary } from "@landfall/client/workspace";

/** Who looks, and from where. */
export interface Viewer {
  username: string | undefined;
  device_id: string | undefined;
}

/**
 * What the version did: "created", "changed", "deleted", "restored".
 *
 * @param before the version before it, if it is known
 */
export function deedOf({ operation }: VersionSummary, before: VersionSummary | undefined): string {
  if (operation === "create") return "created";
  if (operation === "delete") return "deleted";
  return before?.operation === "delete" ? "restored" : "changed";
}

/** The title, where the version changed it. */
export function newTitleOf({ title }: VersionSummary, before: VersionSummary | undefined): string | undefined {
  return before && before.title !== title ? title : undefined;
}

/** Who made it: "you", or a name. */
export function makerOf({ updated_by }: VersionSummary, { username }: Viewer): string {
  return updated_by === username ? "you" : updated_by;
}

/** Where it was made, if that was told: of this device alone one knows which it is. */
export function placeOf({ device_id, updated_by }: VersionSummary, viewer: Viewer): string {
  if (device_id === undefined) return "";
  if (device_id === viewer.device_id) return ", on this device";
  return updated_by === viewer.username ? ", on another device" : "";
}
