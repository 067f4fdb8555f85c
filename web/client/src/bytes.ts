/**
 * Names and bytes: UUIDv7, base64, sizes.
 *
 * @module
 */

let lastMs = 0;
let counter = 0;

/** A UUIDv7 (RFC 9562); those of one process ascend even within a millisecond. */
export function uuidv7(now: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const random = ((bytes[6] ?? 0) & 0x07) * 256 + (bytes[7] ?? 0);
  if (now > lastMs) {
    lastMs = now;
    counter = random;
  } else if ((counter += 1) > 0xfff) {
    lastMs += 1;
    counter = random;
  }
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const time = lastMs.toString(16).padStart(12, "0");
  const variant = (8 + ((bytes[8] ?? 0) & 3)).toString(16);
  const tail = `${counter.toString(16).padStart(3, "0")}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
  return `${time.slice(0, 8)}-${time.slice(8)}-7${tail}`;
}

/** Standard base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(binary);
}

/** The bytes of a base64 text. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Bytes of a value as JSON in UTF-8. */
export function jsonBytes(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}
