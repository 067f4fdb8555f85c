/**
 * The top of the page: the name, the offline switch, a sync by hand, and the account.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { LogIn, LogOut, RefreshCw, UserRound, Users } from "lucide-react";
import { useState, type ReactElement } from "react";
import { useOfflineSwitch } from "../offline.ts";
import { hrefOf } from "../route.ts";
import { useWorkspaces } from "../workspace.ts";
import { LoginDialog } from "./LoginDialog.tsx";
import { LogoutDialog } from "./LogoutDialog.tsx";

/** The top of the page. */
export function Header(): ReactElement {
  const { isSyncing, status, sync } = useSync();
  const { isPaused, setPaused } = useOfflineSwitch();
  return (
    <header className="top">
      <a className="brand" href="#/">
        <img src="/icon.svg" alt="" width="28" height="28" />
        Landfall
      </a>
      <OpenWorkspace />
      <label className="switch">
        <input type="checkbox" role="switch" checked={isPaused} onChange={(event) => setPaused(event.target.checked)} />
        <span className="track" aria-hidden />
        <span>Work offline</span>
      </label>
      <button
        className="quiet-button"
        aria-label="Sync now"
        title="Sync now"
        disabled={isPaused || isSyncing || !status?.logged_in}
        onClick={() => void sync()}
      >
        <RefreshCw aria-hidden className={isSyncing ? "turning" : undefined} />
        <span className="wide">Sync now</span>
      </button>
      <AccountMenu />
    </header>
  );
}

/** Names the workspace that is open, unless it is the account's own. */
function OpenWorkspace(): ReactElement | null {
  const { shared } = useWorkspaces();
  if (!shared) return null;
  return (
    <a className="open-workspace" href={hrefOf({ view: "sharing" })} title={`Workspace: ${shared.name}`}>
      <Users aria-hidden />
      <span className="unseen">Workspace: </span>
      <span>{shared.name}</span>
    </a>
  );
}

function AccountMenu(): ReactElement | null {
  const { status, needsLogin } = useSync();
  if (!status) return null;
  // A session that the server ended is none either, though this device still has it.
  if (!status.logged_in || needsLogin) return <LoginButton username={status.username} />;
  return (
    <>
      <span className="who" title={`Logged in as ${status.username ?? ""}`}>
        <UserRound aria-hidden />
        <span className="unseen">Logged in as </span>
        <span className="name">{status.username}</span>
      </span>
      <LogoutButton />
    </>
  );
}

function LoginButton({ username }: { username: string | undefined }): ReactElement {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button className="main-button" onClick={() => setOpen(true)}>
        <LogIn aria-hidden />
        Log in
      </button>
      {isOpen && <LoginDialog username={username} onClose={() => setOpen(false)} />}
    </>
  );
}

function LogoutButton(): ReactElement {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button className="quiet-button" aria-label="Log out" title="Log out" onClick={() => setOpen(true)}>
        <LogOut aria-hidden />
      </button>
      {isOpen && <LogoutDialog onClose={() => setOpen(false)} />}
    </>
  );
}
