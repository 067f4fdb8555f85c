/**
 * The way back to a version, which asks first.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import type { Version } from "@landfall/client/workspace";
import { RotateCcw } from "lucide-react";
import { useEffect, useId, useRef, useState, type ReactElement } from "react";
import { hrefOf } from "../route.ts";
import { Dialog } from "../shell/Dialog.tsx";
import { shownTitle } from "../titles.ts";
import { READ_ONLY, useMayWrite } from "../workspace.ts";
import { refusalOf, restoreVersion } from "./restore.ts";
import type { Present } from "./VersionView.tsx";

/** A button with its question; where a version cannot be restored, it says why. */
export function RestoreButton({ version, present }: { version: Version; present: Present }): ReactElement {
  const { client } = useSync();
  const [isAsking, setAsking] = useState(false);
  const [told, setTold] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const outcome = useRef<HTMLParagraphElement>(null);
  const reason = useId();
  const hindrance = useMayWrite() ? hindranceOf(version, present) : READ_ONLY;

  useEffect(() => {
    // The button cannot be used any more, so that the focus would be lost with it.
    if (told !== undefined) outcome.current?.focus();
  }, [told]);

  async function restore(): Promise<void> {
    setAsking(false);
    setProblem(undefined);
    try {
      const { titleStays } = await restoreVersion(client, version);
      const title = titleStays ? ` Its title stays: another document is called “${shownTitle(version.title)}” by now.` : "";
      setTold(`Version ${version.version} is restored on this device, and goes with the next sync.${title}`);
    } catch (error) {
      setProblem(refusalOf(error));
    }
  }

  return (
    <div className="restore">
      <button
        className="main-button"
        disabled={hindrance !== undefined}
        aria-describedby={hindrance === undefined ? undefined : reason}
        onClick={() => setAsking(true)}
      >
        <RotateCcw aria-hidden />
        Restore this version
      </button>
      {hindrance !== undefined && (
        <p className="quiet" id={reason}>
          {hindrance}
        </p>
      )}
      <p role="status" ref={outcome} tabIndex={-1}>
        {told}{" "}
        {told !== undefined && <a href={hrefOf({ view: "document", id: version.document_id })}>Open the document</a>}
      </p>
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {isAsking && (
        <Question
          version={version.version}
          isGone={present.title === undefined}
          onRestore={() => void restore()}
          onClose={() => setAsking(false)}
        />
      )}
    </div>
  );
}

function Question({
  version,
  isGone,
  onRestore,
  onClose,
}: {
  version: number;
  isGone: boolean;
  onRestore: () => void;
  onClose: () => void;
}): ReactElement {
  return (
    <Dialog title={`Restore version ${version}?`} onClose={onClose}>
      <p>
        {isGone ? "The document comes back, with title and text" : "Title and text become"} as they were in version{" "}
        {version}. That is an edit like any other: nothing is lost, the present version stays in the history, and what
        others write meanwhile is merged with it.
      </p>
      <div className="actions">
        <button className="main-button" onClick={onRestore}>
          Restore
        </button>
        <button onClick={onClose}>Leave it as it is</button>
      </div>
    </Dialog>
  );
}

function hindranceOf({ operation, content, title }: Version, present: Present): string | undefined {
  if (operation === "delete") return "This version is a deletion: choose one with a text to bring the document back.";
  if (present.isRich) {
    return (
      "This is rich text. Its versions can be read here, but putting plain text in its place would lose all " +
      "formatting: restore it with the editor that it was written in."
    );
  }
  if (content === undefined) return "Its text can no longer be shown, so it cannot be restored.";
  if (present.title === title && present.text === content) return "The document is just as it was in this version.";
  return undefined;
}
