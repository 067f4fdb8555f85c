/**
 * One version: what it changed, what has changed since, and the way back to it.
 *
 * @module
 */
import { RequestRefused } from "@landfall/client";
import { useSync } from "@landfall/react";
import { readVersion, type Version, type VersionSummary } from "@landfall/client/workspace";
import { useId, type ReactElement } from "react";
import { Difference } from "../difference/Difference.tsx";
import { Obstacle, useMayAsk } from "../remote/Obstacle.tsx";
import { useRemote } from "../remote/use-remote.ts";
import { moment } from "../times.ts";
import { shownTitle } from "../titles.ts";
import { RestoreButton } from "./RestoreButton.tsx";
import { deedOf, makerOf, placeOf, type Viewer } from "./versions.ts";

/** With what a version is compared. */
export type Comparison = "before" | "present";

/** The document as it is on this device. */
export interface Present {
  /** Absent if it was deleted, or has not come here. */
  title: string | undefined;
  text: string;
  isRich: boolean;
}

/** A version, whole. */
export function VersionView({
  id,
  version,
  before,
  present,
  comparison,
  viewer,
  onCompare,
}: {
  id: string;
  version: VersionSummary;
  before: VersionSummary | undefined;
  present: Present;
  comparison: Comparison;
  viewer: Viewer;
  onCompare: (comparison: Comparison) => void;
}): ReactElement {
  const { client } = useSync();
  const when = useMayAsk();
  const heading = useId();
  const { version: number } = version;
  const remote = useRemote(`${id}/${number}`, () => readPair((each) => readVersion(client, id, each), number), { when });
  const pair = remote.value;
  return (
    <section className="version" aria-labelledby={heading}>
      <h2 id={heading}>Version {number}</h2>
      <p className="quiet">
        {sentence(`${deedOf(version, before)} by ${makerOf(version, viewer)}${placeOf(version, viewer)}`)},{" "}
        <time dateTime={version.updated_at}>{moment(version.updated_at)}</time>
      </p>
      {pair ? (
        <>
          <Choice comparison={comparison} hasBefore={number > 1} onCompare={onCompare} />
          <Differences pair={pair} present={present} comparison={number > 1 ? comparison : "present"} />
          <RestoreButton key={number} version={pair.version} present={present} />
        </>
      ) : remote.isLoading ? (
        <p className="opening">Opening…</p>
      ) : (
        when && (
          <Obstacle
            what="The text of a version is kept on the server."
            error={remote.error}
            onRetry={remote.reload}
          />
        )
      )}
    </section>
  );
}

/** A version and the one before it. */
interface Pair {
  version: Version;
  /** Absent before the first one, and where the history does not reach so far back any more. */
  before: Version | undefined;
}

async function readPair(read: (number: number) => Promise<Version>, number: number): Promise<Pair> {
  const older = number > 1 ? read(number - 1).catch(absent) : undefined;
  const [version, before] = await Promise.all([read(number), older]);
  return { version, before };
}

function absent(error: unknown): undefined {
  if (error instanceof RequestRefused && error.status === 404) return undefined;
  throw error;
}

function Choice({
  comparison,
  hasBefore,
  onCompare,
}: {
  comparison: Comparison;
  hasBefore: boolean;
  onCompare: (comparison: Comparison) => void;
}): ReactElement {
  const option = (value: Comparison, label: string): ReactElement => (
    <label>
      <input type="radio" name="comparison" checked={comparison === value} onChange={() => onCompare(value)} />
      {label}
    </label>
  );
  if (!hasBefore) return <p className="quiet">This is the first version. What has changed since:</p>;
  return (
    <fieldset className="comparison">
      <legend className="unseen">Show</legend>
      {option("before", "What it changed")}
      {option("present", "What has changed since")}
    </fieldset>
  );
}

function Differences({
  pair: { version, before },
  present,
  comparison,
}: {
  pair: Pair;
  present: Present;
  comparison: Comparison;
}): ReactElement {
  const own = { title: version.title, text: textOf(version) };
  const now = { title: present.title, text: present.isRich && present.text === "" ? undefined : present.text };
  const older = { title: before?.title, text: before && textOf(before) };
  const [from, to] = comparison === "before" ? [older, own] : [own, now];
  return (
    <section className="differences" aria-label="Differences">
      <Titles from={from.title} to={to.title} />
      {from.text === undefined || to.text === undefined ? (
        <p className="hint">{untold(version, before, comparison)}</p>
      ) : (
        <Difference before={from.text} after={to.text} label="Changed text" />
      )}
    </section>
  );
}

/** A deletion leaves no text; of other versions, nothing means that it cannot be told any more. */
function textOf({ operation, content }: Version): string | undefined {
  return operation === "delete" ? "" : content;
}

function untold(version: Version, before: Version | undefined, comparison: Comparison): string {
  if (textOf(version) === undefined) return "The text of this version can no longer be shown.";
  if (comparison === "present") return "The present text cannot be compared: it is rich text, and not synced yet.";
  return before
    ? "The text of the version before can no longer be shown."
    : "The history does not reach back to the version before any more.";
}

function Titles({ from, to }: { from: string | undefined; to: string | undefined }): ReactElement | null {
  if (from === undefined || to === undefined || from === to) return null;
  return (
    <p className="titles">
      Title: <del>{shownTitle(from)}</del> <ins>{shownTitle(to)}</ins>
    </p>
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
