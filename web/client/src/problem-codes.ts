// Generated from openapi.yaml by `npm run generate`. Not edited by hand.

/** The codes of the server's refusals. */
export const PROBLEM_CODES: readonly string[] = [
  "bad_request",
  "unauthorized",
  "forbidden",
  "not_found",
  "method_not_allowed",
  "not_acceptable",
  "username_taken",
  "workspace_exists",
  "last_owner",
  "cursor_expired",
  "history_expired",
  "sync_cancelled",
  "payload_too_large",
  "unsupported_media_type",
  "too_many_operations",
  "invalid",
  "rate_limited",
  "timeout",
  "busy",
  "unavailable",
  "internal",
  "rolled_back",
];
