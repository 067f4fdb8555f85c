/**
 * Documents that the server has lost, as after a restore from a backup.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { useState, type ReactElement } from "react";
import { useMayWrite } from "../workspace.ts";

/** Says so, and sends them again if somebody wants that. */
export function LostNotice(): ReactElement | null {
  const { status, client, sync } = useSync();
  const mayWrite = useMayWrite();
  const [problem, setProblem] = useState<string>();
  const lost = status?.lost ?? 0;
  if (lost === 0) return null;

  async function sendAgain(): Promise<void> {
    try {
      await client.sendAgain();
      setProblem(undefined);
      void sync();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <p className="notice" role="status">
      The server no longer has {lost === 1 ? "one document" : `${lost} documents`} as {lost === 1 ? "it is" : "they are"} on this device,
      perhaps because it was restored from a backup. Nothing is lost here.{" "}
      {mayWrite && <button onClick={() => void sendAgain()}>Send again</button>}
      {problem}
    </p>
  );
}
