/**
 * Going through a page by keyboard, as somebody does who has no pointer and must see where they are.
 *
 * @module
 */
import { expect, type Locator, type Page } from "@playwright/test";

/** More steps than any view has places. */
const STEPS = 60;

/** A walk by Tab, at each step of which the focus has to be seen. */
export class FocusWalk {
  readonly #page: Page;

  /** @param page where to walk */
  constructor(page: Page) {
    this.#page = page;
  }

  /** Goes forward to an element. */
  to(place: Locator): Promise<void> {
    return this.#walk("Tab", place);
  }

  /** Goes back to an element. */
  backTo(place: Locator): Promise<void> {
    return this.#walk("Shift+Tab", place);
  }

  async #walk(key: string, place: Locator): Promise<void> {
    await expect(place).toBeAttached();
    for (let step = 0; step < STEPS; step += 1) {
      await this.#page.keyboard.press(key);
      expect(await this.#page.evaluate(unseenFocus), "the focus can be seen").toBeUndefined();
      if (await place.evaluate((element) => element === (element.getRootNode() as Document).activeElement)) return;
    }
    throw new Error(`${STEPS} steps with ${key} do not lead to ${String(place)}`);
  }
}

/** What has the focus and does not show it. */
function unseenFocus(): string | undefined {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  // The page itself, between its end and its beginning; and a text, in which the caret shows the place.
  if (!focused || focused === document.body || (focused as HTMLElement).isContentEditable) return undefined;
  // A switch is drawn by what stands next to it.
  const shown = [focused, focused.nextElementSibling].some((element) => {
    if (!element) return false;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2;
  });
  const { width, height } = focused.getBoundingClientRect();
  return shown && width > 0 && height > 0 ? undefined : focused.outerHTML.slice(0, 200);
}
