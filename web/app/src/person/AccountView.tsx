/**
 * The account of who is logged in: another password, where else they are logged in, an end to it all.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { listSessions } from "@landfall/client/workspace";
import type { ReactElement } from "react";
import { Obstacle, useMayAsk } from "../remote/Obstacle.tsx";
import { useRemote } from "../remote/use-remote.ts";
import { DeleteAccount } from "./DeleteAccount.tsx";
import { PasswordForm } from "./PasswordForm.tsx";
import { Sessions } from "./Sessions.tsx";
import "./person.css";

/** The view of the account. */
export default function AccountView(): ReactElement {
  const { client, status } = useSync();
  const when = useMayAsk();
  const sessions = useRemote("sessions", () => listSessions(client), { when });
  return (
    <section className="page account">
      <h1>Account</h1>
      {status?.username !== undefined && (
        <p>
          You are logged in as <strong>{status.username}</strong>.
        </p>
      )}
      {(!when || sessions.error !== undefined) && (
        <Obstacle what="Your account is kept on the server." error={sessions.error} onRetry={sessions.reload} />
      )}
      {sessions.value && <Sessions sessions={sessions.value} isEnabled={when} onEnded={sessions.reload} />}
      {when && <PasswordForm onChanged={sessions.reload} />}
      {when && <DeleteAccount />}
    </section>
  );
}
