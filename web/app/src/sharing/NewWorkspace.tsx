/**
 * Making a workspace.
 *
 * @module
 */
import { useSync } from "@landfall/react";
import { createWorkspace } from "@landfall/client/workspace";
import { useState, type FormEvent, type ReactElement } from "react";
import { said } from "../remote/Obstacle.tsx";

/** A form for the name of a new workspace. */
export function NewWorkspace({ onMade }: { onMade: () => void }): ReactElement {
  const { client } = useSync();
  const [told, setTold] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);

  async function make(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget;
    const name = String(new FormData(form).get("name")).trim();
    if (name === "") return;
    setBusy(true);
    setTold(undefined);
    setProblem(undefined);
    try {
      await createWorkspace(client, name);
      setTold(`“${name}” is made, and you are its owner. Open it to write in it.`);
      form.reset();
      onMade();
    } catch (error) {
      setProblem(said(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <>
      <form className="line" aria-label="New workspace" onSubmit={(event) => void make(event)}>
        <label>
          Name of a new workspace
          <input name="name" maxLength={200} autoComplete="off" required />
        </label>
        <button disabled={isBusy}>Make workspace</button>
      </form>
      <p role="status">{told}</p>
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </>
  );
}
