/**
 * Where the account is logged in.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { endSession, type AccountSession } from "@landfall/client/workspace";
import type { ReactElement } from "react";
import { ReflowTable } from "../remote/ReflowTable.tsx";
import { moment } from "../times.ts";
import { Outcome } from "./Outcome.tsx";
import { programOf } from "./program.ts";
import { useStep } from "./use-step.ts";

/** A row for each login, and a way to end it. */
export function Sessions({
  sessions,
  isEnabled,
  onEnded,
}: {
  sessions: readonly AccountSession[];
  isEnabled: boolean;
  onEnded: () => void;
}): ReactElement {
  const { client } = useSync();
  const step = useStep();

  async function end({ session_id: id }: AccountSession): Promise<void> {
    await step.take(() => endSession(client, id), "That session is over.");
    onEnded();
  }

  return (
    <>
      <h2>Sessions</h2>
      <ReflowTable
        label="Sessions"
        columns={["Program", "Since", "Last used", "End"]}
        endsInActions
        rows={sessions.map((session) => ({
          key: session.session_id,
          isCurrent: session.current,
          cells: [
            <Program session={session} />,
            <time dateTime={session.created_at}>{moment(session.created_at)}</time>,
            <time dateTime={session.used_at}>{moment(session.used_at)}</time>,
            session.current ? (
              <span className="quiet">Log out above</span>
            ) : (
              <button
                className="small-button"
                aria-label={`End the session of ${moment(session.created_at)}`}
                disabled={!isEnabled || step.isBusy}
                onClick={() => void end(session)}
              >
                End
              </button>
            ),
          ],
        }))}
      />
      <Outcome step={step} />
    </>
  );
}

/** The program's short name; the whole one for whoever points at it. */
function Program({ session: { client, current } }: { session: AccountSession }): ReactElement {
  return (
    <span title={client ?? undefined}>
      {programOf(client ?? "")}
      {current && " (this one)"}
    </span>
  );
}
