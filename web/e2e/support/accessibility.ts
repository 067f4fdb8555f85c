/**
 * The rules of accessibility that a machine can check, by axe-core.
 *
 * @module
 */
import { expect, type Page } from "@playwright/test";
import axe from "axe-core";

/** Fails on violations that bar people from using the page as it is now. */
export async function expectNoSeriousViolations(page: Page): Promise<void> {
  const isThere = await page.evaluate(() => "axe" in globalThis);
  // Not as a script element: the page's policy rightly bars it.
  if (!isThere) await page.evaluate(`(() => { ${axe.source} })()`);
  const results = await page.evaluate(
    () => (globalThis as unknown as { axe: typeof axe }).axe.run(document, { resultTypes: ["violations"] }),
  );
  const serious = results.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const told = serious.map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.map((node) => node.html).join("\n    ")}`);
  expect(told, "accessibility (axe-core)").toEqual([]);
}
