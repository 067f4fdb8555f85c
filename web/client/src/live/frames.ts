/**
 * The frames of Hocuspocus' protocol, several documents a socket: those of y-protocols behind a document's name, and those
 * that Hocuspocus adds (docs/protocol.md §8).
 *
 * @module
 */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";

const SYNC = 0;
const AWARENESS = 1;
const AUTH = 2;
const CLOSE = 7;
const SYNC_STATUS = 8;

const STEP_1 = 0;
const STEP_2 = 1;
const UPDATE = 2;

const TOKEN = 0;
const DENIED = 1;
const GRANTED = 2;

/** A frame that asks for a sign of life, and its answer; they name no document. */
export const PING = Uint8Array.of(9);
export const PONG = Uint8Array.of(10);

/** What the server says of a document. */
export type Said =
  /** What the server has: a state vector. */
  | { kind: "step-1"; vector: Uint8Array }
  /** What was missing here. */
  | { kind: "step-2"; update: Uint8Array }
  /** A change that was committed. */
  | { kind: "update"; update: Uint8Array }
  /** What others say of themselves. */
  | { kind: "awareness"; update: Uint8Array }
  | { kind: "granted"; mayWrite: boolean }
  /** The document is not to be had; with the code that would close a socket. */
  | { kind: "denied"; reason: string; code: number | undefined }
  /** The token runs out: another one is wanted. */
  | { kind: "token-wanted" }
  /** The server has closed the document. */
  | { kind: "closed"; reason: string; code: number | undefined }
  /** Whether the oldest change that was not answered is stored. */
  | { kind: "saved"; isStored: boolean }
  | { kind: "unknown" };

/** Reads a frame. `undefined` if it names no document. */
export function readFrame(frame: Uint8Array): { name: string; said: Said } | undefined {
  if (frame.length < 2) return undefined;
  const decoder = decoding.createDecoder(frame);
  return { name: decoding.readVarString(decoder), said: readSaid(decoder) };
}

function readSaid(decoder: decoding.Decoder): Said {
  switch (decoding.readVarUint(decoder)) {
    case SYNC: {
      const step = decoding.readVarUint(decoder);
      const bytes = decoding.readVarUint8Array(decoder);
      if (step === STEP_1) return { kind: "step-1", vector: bytes };
      return { kind: step === STEP_2 ? "step-2" : "update", update: bytes };
    }
    case AWARENESS:
      return { kind: "awareness", update: decoding.readVarUint8Array(decoder) };
    case AUTH: {
      const what = decoding.readVarUint(decoder);
      if (what === GRANTED) return { kind: "granted", mayWrite: decoding.readVarString(decoder) !== "readonly" };
      if (what === DENIED) return { kind: "denied", ...readReason(decoder) };
      return { kind: "token-wanted" };
    }
    case CLOSE:
      return { kind: "closed", ...readReason(decoder) };
    case SYNC_STATUS:
      return { kind: "saved", isStored: decoding.readVarInt(decoder) === 1 };
    default:
      return { kind: "unknown" };
  }
}

function readReason(decoder: decoding.Decoder): { reason: string; code: number | undefined } {
  const reason = decoding.hasContent(decoder) ? decoding.readVarString(decoder) : "";
  return { reason, code: decoding.hasContent(decoder) ? decoding.readVarUint(decoder) : undefined };
}

function frameOf(name: string, kind: number, write: (encoder: encoding.Encoder) => void): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarString(encoder, name);
    encoding.writeVarUint(encoder, kind);
    write(encoder);
  });
}

/** Opens a document, or brings another token for the socket. */
export function tokenFrame(name: string, token: string): Uint8Array {
  return frameOf(name, AUTH, (encoder) => {
    encoding.writeVarUint(encoder, TOKEN);
    encoding.writeVarString(encoder, token);
  });
}

function syncFrame(name: string, step: number, bytes: Uint8Array): Uint8Array {
  return frameOf(name, SYNC, (encoder) => {
    encoding.writeVarUint(encoder, step);
    encoding.writeVarUint8Array(encoder, bytes);
  });
}

/** Says what is here, and asks for what is missing. */
export function step1Frame(name: string, vector: Uint8Array): Uint8Array {
  return syncFrame(name, STEP_1, vector);
}

/** Answers what the server asks for in return: sends what it lacks. */
export function step2Frame(name: string, update: Uint8Array): Uint8Array {
  return syncFrame(name, STEP_2, update);
}

/** Sends a change. */
export function updateFrame(name: string, update: Uint8Array): Uint8Array {
  return syncFrame(name, UPDATE, update);
}

/** Says something of this editor. */
export function awarenessFrame(name: string, update: Uint8Array): Uint8Array {
  return frameOf(name, AWARENESS, (encoder) => encoding.writeVarUint8Array(encoder, update));
}

/** Closes a document. */
export function closeFrame(name: string): Uint8Array {
  return frameOf(name, CLOSE, () => undefined);
}
