/**
 * A dialog that keeps the focus inside while it is open, closes with Escape, and gives the focus back.
 *
 * @module
 */
import { useEffect, useId, useRef, type ReactElement, type ReactNode } from "react";

/** A modal dialog; the browser's own `<dialog>` does the work. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
}): ReactElement {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={heading} onCancel={onClose}>
      <h2 id={heading}>{title}</h2>
      {children}
    </dialog>
  );
}
