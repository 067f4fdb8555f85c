/**
 * Putting the whole workspace back to a moment.
 *
 * @module
 */
import { History } from "lucide-react";
import { useId, useState, type FormEvent, type ReactElement } from "react";
import { TakeBackDialog } from "./TakeBackDialog.tsx";

/** A moment to choose, and the question. */
export function RestoreTo({ onDone }: { onDone: (told: string) => void }): ReactElement {
  const [moment, setMoment] = useState("");
  const [asked, setAsked] = useState<string>();
  const field = useId();

  function ask(event: FormEvent): void {
    event.preventDefault();
    const time = new Date(moment);
    if (!Number.isNaN(time.getTime())) setAsked(time.toISOString());
  }

  return (
    <form className="actions" onSubmit={ask}>
      <label htmlFor={field}>Restore this workspace to</label>
      <input
        id={field}
        type="datetime-local"
        step="1"
        required
        value={moment}
        onChange={(event) => setMoment(event.target.value)}
      />
      <button className="small-button">
        <History aria-hidden />
        Restore to…
      </button>
      {asked !== undefined && (
        <TakeBackDialog
          title={`Restore to ${new Date(asked).toLocaleString()}?`}
          verb="Restore"
          what={{ as_of: asked }}
          onDone={(told) => {
            setAsked(undefined);
            onDone(told);
          }}
          onClose={() => setAsked(undefined)}
        />
      )}
    </form>
  );
}
