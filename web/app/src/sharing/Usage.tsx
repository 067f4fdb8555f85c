/**
 * What the workspace that is open holds, what is left of its quota, and what its syncs did.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { readStatistics, type Statistics } from "@landfall/client/workspace";
import type { ReactElement } from "react";
import { Obstacle } from "../remote/Obstacle.tsx";
import { useRemote } from "../remote/use-remote.ts";
import { duration } from "../times.ts";
import { figures } from "./usage.ts";

/** The figures, as pairs of a name and a value. */
export function Usage({ workspaceId, mayAsk }: { workspaceId: string; mayAsk: boolean }): ReactElement {
  const { client } = useSync();
  const load = (): Promise<Statistics> => readStatistics(client, { workspaceId });
  const { value, error, reload } = useRemote(`${workspaceId} usage`, load, { when: mayAsk });
  return (
    <>
      <h2>Usage</h2>
      {mayAsk && error !== undefined && <Obstacle what="Usage is counted on the server." error={error} onRetry={reload} />}
      {value && (
        <dl className="usage" aria-label="Usage">
          {figures(value, duration).map(([name, figure]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{figure}</dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
}
