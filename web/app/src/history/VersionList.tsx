/**
 * The versions of a document, newest first.
 *
 * @module
 */
import type { VersionSummary } from "@landfall/client/workspace";
import { ChevronDown } from "lucide-react";
import type { ReactElement } from "react";
import type { Pages } from "../remote/use-remote.ts";
import { ago, moment } from "../times.ts";
import { shownTitle } from "../titles.ts";
import { deedOf, makerOf, newTitleOf, type Viewer } from "./versions.ts";

/** A button for each version, and the way to older ones. */
export function VersionList({
  versions,
  chosen,
  viewer,
  onChoose,
}: {
  versions: Pages<VersionSummary>;
  chosen: number | undefined;
  viewer: Viewer;
  onChoose: (version: number) => void;
}): ReactElement {
  const items = versions.items ?? [];
  return (
    <div className="versions">
      <ol aria-label="Versions">
        {items.map((version, index) => (
          <Row
            key={version.version}
            version={version}
            before={items[index + 1]}
            isChosen={version.version === chosen}
            viewer={viewer}
            onChoose={onChoose}
          />
        ))}
      </ol>
      {versions.more && (
        <button className="small-button" disabled={versions.isGrowing} onClick={versions.more}>
          <ChevronDown aria-hidden />
          Older versions
        </button>
      )}
    </div>
  );
}

function Row({
  version,
  before,
  isChosen,
  viewer,
  onChoose,
}: {
  version: VersionSummary;
  before: VersionSummary | undefined;
  isChosen: boolean;
  viewer: Viewer;
  onChoose: (version: number) => void;
}): ReactElement {
  const title = newTitleOf(version, before);
  return (
    <li>
      <button aria-pressed={isChosen} onClick={() => onChoose(version.version)}>
        <strong>Version {version.version}</strong>{" "}
        <span>
          {deedOf(version, before)} by {makerOf(version, viewer)}
          {title !== undefined && `, now “${shownTitle(title)}”`}
        </span>{" "}
        <time dateTime={version.updated_at} title={moment(version.updated_at)}>
          {ago(version.updated_at)}
        </time>
      </button>
    </li>
  );
}
