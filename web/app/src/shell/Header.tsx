/**
 * The top of the page: the name, the offline switch, a sync by hand, and the account.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { LogIn, LogOut, RefreshCw, UserRound } from "lucide-react";
import { useState, type ReactElement } from "react";
import { LoginDialog } from "./LoginDialog.tsx";

/** The top of the page. */
export function Header(): ReactElement {
  const { isPaused, setPaused, isSyncing, status, sync } = useSync();
  return (
    <header className="top">
      <a className="brand" href="#/">
        <img src="/icon.svg" alt="" width="28" height="28" />
        Landfall
      </a>
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

function AccountMenu(): ReactElement {
  const { status, logout } = useSync();
  const [isOpen, setOpen] = useState(false);
  if (!status?.logged_in) {
    return (
      <>
        <button className="main-button" onClick={() => setOpen(true)}>
          <LogIn aria-hidden />
          Log in
        </button>
        {isOpen && <LoginDialog username={status?.username} onClose={() => setOpen(false)} />}
      </>
    );
  }
  return (
    <>
      <span className="who" title={`Logged in as ${status.username ?? ""}`}>
        <UserRound aria-hidden />
        <span className="unseen">Logged in as </span>
        <span className="name">{status.username}</span>
      </span>
      <button className="quiet-button" aria-label="Log out" title="Log out" onClick={() => void logout()}>
        <LogOut aria-hidden />
      </button>
    </>
  );
}
