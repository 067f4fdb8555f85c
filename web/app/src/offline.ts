/**
 * The choice to work offline. It is one of the device: kept over reloads, and the same in all of its tabs.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { useCallback, useEffect } from "react";

const KEY = "landfall.offline";

/** Whether somebody chose to work offline. */
export function isOfflineChosen(): boolean {
  return localStorage.getItem(KEY) !== null;
}

/** The switch: how it stands, and how to turn it. */
export function useOfflineSwitch(): { isPaused: boolean; setPaused: (paused: boolean) => void } {
  const { isPaused, setPaused } = useSync();
  const turn = useCallback(
    (paused: boolean) => {
      if (paused) localStorage.setItem(KEY, "chosen");
      else localStorage.removeItem(KEY);
      setPaused(paused);
    },
    [setPaused],
  );
  return { isPaused, setPaused: turn };
}

/** Follows what is chosen in other tabs. */
export function useOtherTabsChoice(): void {
  const { setPaused } = useSync();
  useEffect(() => {
    const follow = ({ key }: StorageEvent): void => {
      // Without a key everything was cleared.
      if (key === KEY || key === null) setPaused(isOfflineChosen());
    };
    addEventListener("storage", follow);
    return () => removeEventListener("storage", follow);
  }, [setPaused]);
}
