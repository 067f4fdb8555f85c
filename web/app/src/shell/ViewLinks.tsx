/**
 * The ways to everything that is not a document.
 *
 * @module
 */
import { CircleAlert, GitCompareArrows, History, Trash2, UserRound, Users } from "lucide-react";
import type { ReactElement, ReactNode } from "react";
import { hrefOf, type Route } from "../route.ts";

type OtherView = "conflicts" | "failed" | "deleted" | "syncs" | "sharing" | "account";

/** Links to the other views, with how much waits there. */
export function ViewLinks({
  route,
  conflicts,
  failed,
}: {
  route: Route;
  conflicts: number;
  failed: number;
}): ReactElement {
  const link = (view: OtherView, icon: ReactNode, label: string, count = 0) => (
    <li>
      <a href={hrefOf({ view })} aria-current={route.view === view ? "page" : undefined}>
        {icon}
        {label}
        {count > 0 && (
          <span className="count">
            {count}
            <span className="unseen"> waiting</span>
          </span>
        )}
      </a>
    </li>
  );
  return (
    <nav className="links" aria-label="Views">
      <ul>
        {link("conflicts", <GitCompareArrows aria-hidden />, "Conflicts", conflicts)}
        {link("failed", <CircleAlert aria-hidden />, "Failed", failed)}
        {link("deleted", <Trash2 aria-hidden />, "Deleted")}
        {link("syncs", <History aria-hidden />, "Past syncs")}
        {link("sharing", <Users aria-hidden />, "Sharing")}
        {link("account", <UserRound aria-hidden />, "Account")}
      </ul>
    </nav>
  );
}
