/**
 * The ways from the place that is open to others: into an account, out of it, and into another workspace.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { listWorkspaces, type Workspace } from "@landfall/client/workspace";
import { useCallback, useEffect, useMemo, useState, type ReactElement, type ReactNode } from "react";
import { AccountContext, type Account } from "./account.ts";
import {
  accountName,
  currentStore,
  enterShared,
  forget,
  keepRole,
  remember,
  sharedStores,
  storeFor,
} from "./accounts.ts";
import { closePlace, openPlace, removeStore, type Place } from "./place.ts";
import { useMayAsk } from "./remote/Obstacle.tsx";
import { WorkspacesContext, type WorkspaceName, type Workspaces } from "./workspace.ts";

/** Gives those ways to the views. */
export function PlaceProvider({
  place,
  enter,
  children,
}: {
  place: Place;
  enter: (place: Place) => void;
  children: ReactNode;
}): ReactElement {
  const { login, register, logout, sync, status } = useSync();
  const username = status?.username;
  const ownId = useOwnId(place, status?.workspace_id);
  const { mayWrite, learn } = useRole(place);

  const account = useMemo<Account>(() => {
    const { client, home, shared } = place;
    return {
      async enter(how, typed, password) {
        const { username: owner } = await client.status();
        const name = accountName(typed);
        const store = storeFor(typed, owner);
        if (store === place.store) {
          await (how === "login" ? login : register)(name, password);
          remember(name, store);
        } else if (store === shared?.home) {
          // The same account again: it stays in the workspace that is open.
          await home[how](name, password);
          void sync();
        } else {
          enter(await loggedIn(store, how, name, password));
        }
      },
      async leave(removes) {
        if (!removes && !shared) return logout();
        const { username: owner } = await client.status();
        await home.logout();
        if (!removes) return goHome(place, enter);
        const stores = forget(owner);
        enter(await openPlace(currentStore()));
        // Once it is closed, so that nothing is written into it any more.
        await closePlace(place);
        for (const store of stores) await removeStore(store);
      },
    };
  }, [place, enter, login, register, logout, sync]);

  const workspaces = useMemo<Workspaces>(() => {
    const home = place.shared?.home ?? place.store;
    return {
      shared: place.shared,
      ownId,
      known: username === undefined ? [] : sharedStores(username),
      async open({ workspace_id, name, role }: WorkspaceName) {
        if (username === undefined) throw new Error("log in to open a workspace");
        if (workspace_id === ownId) return goHome(place, enter);
        enter(await openPlace(enterShared({ home, username, workspace_id, name, ...(role && { role }) })));
      },
      mayWrite,
      learn,
    };
  }, [place, enter, username, ownId, mayWrite, learn]);

  return (
    <AccountContext value={account}>
      <WorkspacesContext value={workspaces}>{children}</WorkspacesContext>
    </AccountContext>
  );
}

/** The id of the account's own workspace. */
function useOwnId({ home, shared }: Place, openId: string | undefined): string | undefined {
  const [homeId, setHomeId] = useState<string>();
  useEffect(() => {
    if (!shared) return;
    let wanted = true;
    void home.status().then(({ workspace_id }) => wanted && setHomeId(workspace_id));
    return () => void (wanted = false);
  }, [home, shared]);
  return shared ? homeId : openId;
}

/** What the account may do in another's workspace: as this device remembers it, and anew when the server tells. */
function useRole({ client, shared }: Place): Pick<Workspaces, "mayWrite" | "learn"> {
  const { report } = useSync();
  const mayAsk = useMayAsk();
  const [role, setRole] = useState(shared?.role);
  const learn = useCallback(
    (workspaces: readonly Workspace[]) => {
      const open = workspaces.find(({ workspace_id }) => workspace_id === shared?.workspace_id);
      if (!shared || !open) return;
      keepRole(shared.store, open.role);
      setRole(open.role);
    },
    [shared],
  );
  // Who is refused may have another role by now, and so may who is not refused any more.
  const isRefused = report?.status === "refused";
  useEffect(() => {
    if (!shared || !mayAsk) return;
    // What stands in the way stands in the way of a sync too, which tells of it.
    listWorkspaces(client).then(learn, () => undefined);
  }, [client, shared, mayAsk, isRefused, learn]);
  return { mayWrite: role !== "viewer", learn };
}

/** Opens another account's store, if it lets one in. */
async function loggedIn(store: string, how: "login" | "register", username: string, password: string): Promise<Place> {
  const place = await openPlace(store);
  try {
    await place.client[how](username, password);
  } catch (error) {
    await closePlace(place);
    throw error;
  }
  remember(username, store);
  return place;
}

/** From another workspace back into the account's own. */
async function goHome({ shared }: Place, enter: (place: Place) => void): Promise<void> {
  if (!shared) return;
  const next = await openPlace(shared.home);
  remember(shared.username, shared.home);
  enter(next);
}
