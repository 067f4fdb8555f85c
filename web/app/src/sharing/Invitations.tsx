/**
 * The workspaces that this user is invited into.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { acceptInvitation, declineInvitation, type Invitation } from "@landfall/client/workspace";
import { Check, X } from "lucide-react";
import { useState, type ReactElement } from "react";
import { said } from "../remote/Obstacle.tsx";
import { articled } from "./roles.ts";

/** A line for each invitation, with a yes and a no; nothing where there is none. */
export function Invitations({
  invitations,
  onAnswered,
}: {
  invitations: readonly Invitation[];
  onAnswered: () => void;
}): ReactElement {
  const { client } = useSync();
  const [told, setTold] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);

  async function answer(step: Promise<unknown>, done: string): Promise<void> {
    setBusy(true);
    setTold(undefined);
    setProblem(undefined);
    try {
      await step;
      setTold(done);
    } catch (error) {
      setProblem(said(error));
    } finally {
      setBusy(false);
      onAnswered();
    }
  }

  return (
    <>
      {invitations.length > 0 && <h2>Invitations</h2>}
      <ul className="invitations" aria-label="Invitations" hidden={invitations.length === 0}>
        {invitations.map(({ workspace_id: id, workspace_name: name, role, invited_by: by }) => (
          <li key={id}>
            <span>
              {by ?? "Somebody"} invites you to “{name}” as {articled(role)}.
            </span>
            <button
              className="main-button"
              disabled={isBusy}
              aria-label={`Accept the invitation to ${name}`}
              onClick={() => void answer(acceptInvitation(client, id), `You are ${articled(role)} of “${name}” now.`)}
            >
              <Check aria-hidden />
              Accept
            </button>
            <button
              disabled={isBusy}
              aria-label={`Decline the invitation to ${name}`}
              onClick={() => void answer(declineInvitation(client, id), `You declined “${name}”.`)}
            >
              <X aria-hidden />
              Decline
            </button>
          </li>
        ))}
      </ul>
      <p role="status">{told}</p>
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </>
  );
}
