/**
 * What a member may do, in words.
 *
 * @module
 */
import type { Role } from "@landfall/client/workspace";

/** The roles, from the one that may least. */
export const ROLES: readonly Role[] = ["viewer", "editor", "owner"];

/** What the role may do. */
export const MEANING: Record<Role, string> = {
  viewer: "reads",
  editor: "reads and writes",
  owner: "reads, writes, and manages the members",
};

/** A role by its name, as a form gives it; the least one if it is none. */
export function roleOf(value: unknown): Role {
  return ROLES.find((role) => role === value) ?? "viewer";
}

/** The role with its article. */
export function articled(role: Role): string {
  return role === "viewer" ? "a viewer" : `an ${role}`;
}
