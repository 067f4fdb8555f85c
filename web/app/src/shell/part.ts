/**
 * Parts of the page that are loaded when they are needed.
 *
 * @module
 */
import { lazy, type ComponentType, type LazyExoticComponent } from "react";

/** A part of the page is not to be had: the server has a newer version of the page by now, or cannot be reached. */
export class PartMissing extends Error {
  override readonly name = "PartMissing";
}

/**
 * A component that is loaded when it is shown for the first time.
 *
 * @throws {@link PartMissing}, to the nearest boundary, if it cannot be loaded
 */
export function part<Props>(load: () => Promise<{ default: ComponentType<Props> }>): LazyExoticComponent<
  ComponentType<Props>
> {
  return lazy(() =>
    load().catch((cause: unknown) => {
      throw new PartMissing("a part of the page could not be loaded", { cause });
    }),
  );
}
