/**
 * The question before a member is removed.
 *
 * @module
 */
import type { Member } from "@landfall/client/workspace";
import type { ReactElement } from "react";
import { Dialog } from "../shell/Dialog.tsx";

/** Asks, and says what it means. */
export function RemoveDialog({
  member: { username },
  workspace,
  isMe,
  onClose,
  onRemove,
}: {
  member: Member;
  workspace: string;
  isMe: boolean;
  onClose: () => void;
  onRemove: () => void;
}): ReactElement {
  return (
    <Dialog title={isMe ? `Leave “${workspace}”?` : `Remove ${username}?`} onClose={onClose}>
      <p>
        {isMe ? "You" : username} can no longer sync “{workspace}”. What is on {isMe ? "your" : "their"} devices by now
        stays there, and what was written stays in the workspace.
      </p>
      <div className="actions">
        <button className="danger-button" onClick={onRemove}>
          {isMe ? "Leave" : "Remove"}
        </button>
        <button autoFocus onClick={onClose}>
          {isMe ? "Stay" : "Keep"}
        </button>
      </div>
    </Dialog>
  );
}
