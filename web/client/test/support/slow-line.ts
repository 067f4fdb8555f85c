// A line between a client and the server that carries only so many bytes a second, and each of them late.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export class SlowLine {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** When each direction is free again, in milliseconds since the epoch: all connections share the line. */
  readonly #free = { up: 0, down: 0 };
  bytesPerSecond: number;
  readonly #latencyMs: number;

  private constructor(target: URL, bytesPerSecond: number, latencyMs: number) {
    this.bytesPerSecond = bytesPerSecond;
    this.#latencyMs = latencyMs;
    this.#server = createServer((near) => {
      const far = connect(Number(target.port), target.hostname);
      for (const [from, to, way] of [[near, far, "up"], [far, near, "down"]] as const) {
        this.#sockets.add(from);
        from.on("data", (data) => this.#carry(data, from, to, way));
        from.on("close", () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        from.on("error", () => to.destroy());
      }
    });
  }

  static async open(url: string, bytesPerSecond: number, latencyMs: number): Promise<SlowLine> {
    const line = new SlowLine(new URL(url), bytesPerSecond, latencyMs);
    await new Promise<void>((resolve) => line.#server.listen(0, "127.0.0.1", resolve));
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  /** Half of the latency on each way; the sender waits while the line is full. */
  #carry(data: Buffer, from: Socket, to: Socket, way: "up" | "down"): void {
    const now = Date.now();
    const until = Math.max(now, this.#free[way]) + (data.length * 1000) / this.bytesPerSecond;
    this.#free[way] = until;
    from.pause();
    setTimeout(() => from.resume(), until - now);
    setTimeout(() => to.writable && to.write(data), until - now + this.#latencyMs / 2);
  }
}
