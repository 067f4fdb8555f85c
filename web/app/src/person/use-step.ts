/**
 * One step that asks the server, and what came of it.
 *
 * @module
 */
import { useState } from "react";
import { said } from "../remote/Obstacle.tsx";

/** A step, and what came of the last one. */
export interface Step {
  told: string | undefined;
  problem: string | undefined;
  isBusy: boolean;
  /** Takes it; resolves with whether it was done. */
  take(step: () => Promise<unknown>, done: string): Promise<boolean>;
}

/** Steps, one at a time. */
export function useStep(): Step {
  const [told, setTold] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);

  async function take(step: () => Promise<unknown>, done: string): Promise<boolean> {
    setBusy(true);
    setTold(undefined);
    setProblem(undefined);
    try {
      await step();
      setTold(done);
      return true;
    } catch (error) {
      setProblem(said(error));
      return false;
    } finally {
      setBusy(false);
    }
  }
  return { told, problem, isBusy, take };
}
