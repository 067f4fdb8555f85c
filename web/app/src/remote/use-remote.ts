/**
 * What lies on the server alone, as components see it: asked for when it is wanted, anew when it may have changed.
 *
 * @module
 */
import type { Page } from "@landfall/client/workspace";
import { useCallback, useEffect, useRef, useState } from "react";

/** When to ask. */
export interface Asking {
  /** Whether the server may be asked now; `true`. */
  when?: boolean;
  /** Asks again when it changes; what was told before stays until the answer is there. */
  fresh?: string;
}

/** An answer, or what there is in its place. */
export interface Remote<T> {
  value: T | undefined;
  error: unknown;
  /** Whether neither an answer nor an error is there yet. */
  isLoading: boolean;
  /** Asks again. */
  reload: () => void;
}

/**
 * Asks the server.
 *
 * @param key what is asked for: with another one, the answer before is forgotten
 */
export function useRemote<T>(key: string, load: () => Promise<T>, { when = true, fresh = "" }: Asking = {}): Remote<T> {
  const [told, setTold] = useState<{ key: string; value?: T | undefined; error?: unknown }>();
  const [attempt, setAttempt] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    if (!when) return;
    let wanted = true;
    latest.current().then(
      (value) => wanted && setTold({ key, value }),
      (error: unknown) =>
        wanted && setTold((former) => ({ key, value: former?.key === key ? former.value : undefined, error })),
    );
    return () => void (wanted = false);
  }, [key, when, fresh, attempt]);
  const reload = useCallback(() => setAttempt((count) => count + 1), []);
  const current = told?.key === key ? told : undefined;
  return { value: current?.value, error: current?.error, isLoading: when && !current, reload };
}

/** A list that comes page by page. */
export interface Pages<T> extends Omit<Remote<T>, "value"> {
  items: T[] | undefined;
  /** Whether the next page is under way. */
  isGrowing: boolean;
  /** Asks for the next page; absent on the last one. */
  more: (() => void) | undefined;
}

/** Asks the server for a list; see {@link useRemote}. */
export function usePages<T>(key: string, load: () => Promise<Page<T>>, asking?: Asking): Pages<T> {
  const { value: first, error, isLoading, reload } = useRemote(key, load, asking);
  const [later, setLater] = useState<{ first: Page<T>; last: Page<T>; items: T[] }>();
  const [growth, setGrowth] = useState<{ first: Page<T>; error?: unknown }>();
  const rest = later && later.first === first ? later : undefined;
  const next = (rest?.last ?? first)?.more;
  const grown = growth && growth.first === first ? growth : undefined;

  function more(): void {
    if (!first || !next) return;
    setGrowth({ first });
    next().then(
      (last) => {
        setLater({ first, last, items: [...(rest?.items ?? []), ...last.items] });
        setGrowth(undefined);
      },
      (refusal: unknown) => setGrowth({ first, error: refusal }),
    );
  }

  return {
    items: first && [...first.items, ...(rest?.items ?? [])],
    error: error ?? grown?.error,
    isLoading,
    isGrowing: grown !== undefined && grown.error === undefined,
    more: next && more,
    reload,
  };
}
