/**
 * The wire's types under short names. They are generated from the server's `openapi.yaml`; nothing here adds to them.
 *
 * @module
 */
import type { components } from "./openapi.js";

type Schemas = components["schemas"];

/** A document as the server shows it. */
export type WireDocument = Schemas["Document"];
/** The body of a push. */
export type BatchRequest = Schemas["BatchRequest"];
/** The answer to a push. */
export type BatchAnswer = Schemas["BatchAnswer"];
/** One operation of a push. */
export type WireOperation = Schemas["Operation"];
/** What a create or an update carries. */
export type WireData = Schemas["OperationData"];
/** What became of one operation. */
export type OperationResult = Schemas["OperationResult"];
/** Why an operation was not applied. */
export type OperationError = Schemas["OperationError"];
/** The version that an operation was made on. */
export type BaseVersion = Schemas["Base"];
/** One page of the feed. */
export type ChangesPage = Schemas["ChangesPage"];
/** A question for what is missing here of documents. */
export type DiffRequest = Schemas["DiffRequest"];
/** The answer to it. */
export type DiffAnswer = Schemas["DiffAnswer"];
/** What the server takes at most. */
export type Limits = Schemas["Limits"];
/** What login and register answer. */
export type SessionAnswer = Schemas["Session"];
/** A refusal of a whole request (RFC 9457). */
export type Problem = Schemas["Problem"];
/** A version of a document, in a list. */
export type VersionSummary = Schemas["VersionSummary"];
/** A version of a document with its text. */
export type Version = Schemas["Version"];
/** A sync run, in a list. */
export type SyncRunSummary = Schemas["SyncRunSummary"];
/** A sync run with what went wrong in it. */
export type RemoteSyncRun = Schemas["SyncRun"];
/** A workspace, with the caller's role in it. */
export type Workspace = Schemas["Workspace"];
/** A member of a workspace. */
export type Member = Schemas["Member"];
/** Somebody who is wanted as a member, and has not said yes yet. */
export type Invitation = Schemas["Invitation"];
/** A login of the user's account. */
export type AccountSession = Schemas["AccountSession"];
/** What is to be put back, and to when. */
export type RestoreRequest = Schemas["RestoreRequest"];
/** A restore that goes on in steps. */
export type RestoreRun = Schemas["RestoreRun"];
/** What is stored of a workspace, what is left, and what its syncs did. */
export type Statistics = Schemas["Statistics"];
/** What a member may do. */
export type Role = Schemas["Role"];
