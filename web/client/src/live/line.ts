/**
 * The socket to the server: one for all documents of a page, opened again whenever it may be.
 *
 * @module
 */
import { backoffMs, type Backoff, type Clock } from "../clock.js";
import { PING, PONG } from "./frames.js";

/** What of a WebSocket is used: the browser's own, or that of a package. */
export interface Socket {
  binaryType: string;
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** The state of a socket on which something can be sent. */
const OPEN = 1;

/** Makes a socket. */
export type SocketMaker = new (url: string) => Socket;

/** What a line is made of. */
export interface LineSettings {
  url: string;
  /** Absent where there are no sockets. */
  socket: SocketMaker | undefined;
  clock: Clock;
  backoff: Backoff;
  /** Whether the server answers requests that are none for a socket. */
  isServerThere: () => Promise<boolean>;
  /** Is told when sockets turn out not to be had here. */
  onRefused: () => void;
  onOpen: () => void;
  onFrame: (frame: Uint8Array) => void;
  /** Called when the socket closes, with its close code and the server's reason. */
  onClosed: (code: number, reason: string) => void;
}

/** How long a handshake, or the answer to a ping, may take, in milliseconds. */
const PATIENCE_MS = 10_000;
/** When nothing was heard for so long, a sign of life is asked for, in milliseconds. */
const QUIET_MS = 20_000;
/** When so many handshakes in a row have failed though the server was there, sockets count as not to be had here. */
const FAILED_HANDSHAKES = 2;
/** Then, or when the server has no room, the next try comes after so long, in milliseconds. */
const LONG_PAUSE_MS = 60_000;

/** Close codes after which connecting again would end the same way. */
const FOR_GOOD = new Set([4400, 4403, 4404]);
/** Those that say "at once, elsewhere": the server restarts, or had something else to do. */
const SOON = new Set([1012, 1013]);
const FULL = 4529;

/** The socket, and when to open it again. */
export class Line {
  readonly #settings: LineSettings;
  #socket: Socket | undefined;
  #isOpen = false;
  #isWanted = false;
  /** The server had no room for another socket. */
  #isFull = false;
  #failures = 0;
  #failedHandshakes = 0;
  #timer: unknown;

  constructor(settings: LineSettings) {
    this.#settings = settings;
  }

  /** Whether frames can be sent. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether sockets cannot be had here, as where a proxy drops them, or where too many are open. */
  get isRefused(): boolean {
    return this.#isFull || this.#settings.socket === undefined || this.#failedHandshakes >= FAILED_HANDSHAKES;
  }

  /** Wants the socket open, and opens it now if it is not. */
  start(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.retry();
  }

  /** Does not want it any more. */
  stop(): void {
    this.#isWanted = false;
    this.#end(1000);
  }

  /** Tries now what would be tried later: something has changed. */
  retry(): void {
    if (this.#socket || !this.#isWanted) return;
    this.#failures = 0;
    this.#connect();
  }

  /** Gives the socket up, which seems to be dead. */
  drop(): void {
    if (this.#socket) this.#end(1006);
  }

  /** Sends a frame; whether it was sent. */
  send(frame: Uint8Array): boolean {
    // A socket that is closing says so by its state before its event comes; browsers complain of what is sent meanwhile.
    if (!this.#isOpen || this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(frame as Uint8Array<ArrayBuffer>);
    return true;
  }

  #connect(): void {
    const { socket: Maker, url } = this.#settings;
    this.#clear();
    if (!Maker || !this.#isWanted) return;
    let socket: Socket;
    try {
      socket = new Maker(url);
    } catch {
      // A policy of the page forbids it.
      this.#failedHandshakes = FAILED_HANDSHAKES;
      return this.#wait(LONG_PAUSE_MS);
    }
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    const isCurrent = () => this.#socket === socket;
    socket.onopen = () => isCurrent() && this.#opened();
    socket.onmessage = ({ data }: { data: unknown }) => isCurrent() && this.#heard(data);
    socket.onclose = ({ code, reason }: { code: number; reason?: string }) => isCurrent() && this.#end(code, reason);
    // The close that follows says all that there is to say.
    socket.onerror = () => undefined;
    this.#later(PATIENCE_MS, () => this.drop());
  }

  #opened(): void {
    this.#isOpen = true;
    this.#failedHandshakes = 0;
    this.#listen();
    this.#settings.onOpen();
  }

  #heard(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) return;
    const frame = new Uint8Array(data);
    this.#listen();
    if (frame.length === 1) {
      if (frame[0] === PING[0]) this.send(PONG);
      return;
    }
    // Whoever is heard of a document is connected in earnest.
    this.#failures = 0;
    this.#isFull = false;
    this.#settings.onFrame(frame);
  }

  /** Asks for a sign of life when nothing is heard. */
  #listen(): void {
    this.#later(QUIET_MS, () => {
      this.send(PING);
      this.#later(PATIENCE_MS, () => this.drop());
    });
  }

  #end(code: number, reason = ""): void {
    const socket = this.#socket;
    const wasOpen = this.#isOpen;
    this.#socket = undefined;
    this.#isOpen = false;
    this.#clear();
    if (!socket) return;
    // Closed before it is open, it would be complained of.
    if (socket.readyState === 0) socket.onopen = () => socket.close();
    else socket.close();
    if (!wasOpen && this.#isWanted) void this.#noteFailedHandshake();
    if (this.#isWanted) this.#plan(code);
    this.#settings.onClosed(code, reason);
  }

  async #noteFailedHandshake(): Promise<void> {
    if (!(await this.#settings.isServerThere())) return;
    this.#failedHandshakes += 1;
    if (this.#failedHandshakes === FAILED_HANDSHAKES) this.#settings.onRefused();
  }

  #plan(code: number): void {
    const { backoff } = this.#settings;
    this.#failures += 1;
    if (code === FULL) {
      this.#isFull = true;
      this.#settings.onRefused();
    }
    if (FOR_GOOD.has(code)) this.#isWanted = false;
    else if (this.isRefused) this.#wait(LONG_PAUSE_MS * (0.5 + backoff.random() / 2));
    else if (SOON.has(code) && this.#failures === 1) this.#wait(backoff.random() * 500);
    else this.#wait(backoffMs(backoff, this.#failures));
  }

  #wait(ms: number): void {
    this.#later(ms, () => this.#connect());
  }

  #later(ms: number, step: () => void): void {
    this.#clear();
    this.#timer = this.#settings.clock.setTimeout(step, ms);
  }

  #clear(): void {
    this.#settings.clock.clearTimeout(this.#timer);
  }
}
