// Newer versions of the page: offered when they lie ready, wherever they are taken.
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { Suspense } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { install, type Update } from "../src/installation.ts";
import { part } from "../src/shell/part.ts";
import { ViewBoundary } from "../src/shell/ViewBoundary.tsx";

/** A worker in its states, as the browser has it. */
class Worker extends EventTarget {
  state = "installing";
  readonly postMessage = vi.fn();
}

/** What the tabs of a browser share. */
class Registration extends EventTarget {
  installing: Worker | null = null;
  waiting: Worker | null = null;
  active: Worker | null = null;
}

/** The page's view of the workers. */
class Container extends EventTarget {
  controller: Worker | null = null;
  readonly registration = new Registration();
  readonly register = (): Promise<Registration> => Promise.resolve(this.registration);

  /** A page that was loaded from the worker of its version. */
  static installed(): Container {
    const container = new Container();
    container.controller = container.registration.active = new Worker();
    return container;
  }

  /** A newer worker comes. */
  find(): Worker {
    const worker = (this.registration.installing = new Worker());
    this.registration.dispatchEvent(new Event("updatefound"));
    return worker;
  }

  /** It is ready, and waits. */
  ready(worker: Worker): void {
    this.registration.installing = null;
    this.registration.waiting = worker;
    worker.state = "installed";
    worker.dispatchEvent(new Event("statechange"));
  }

  /** It serves all pages from now on. */
  takeOver(worker: Worker): void {
    this.registration.installing = this.registration.waiting = null;
    this.controller = this.registration.active = worker;
    this.dispatchEvent(new Event("controllerchange"));
  }
}

const reload = vi.fn();

beforeEach(() => {
  vi.stubEnv("DEV", false);
  vi.spyOn(location, "reload").mockImplementation(reload);
});
afterEach(() => {
  cleanup();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  reload.mockReset();
  Reflect.deleteProperty(navigator, "serviceWorker");
});

/** Installs the page; resolves with what it was offered. */
async function installIn(container: Container): Promise<Update[]> {
  Object.defineProperty(navigator, "serviceWorker", { value: container, configurable: true });
  const offered: Update[] = [];
  await install((update) => offered.push(update));
  return offered;
}

test("the first visit is told of nothing, the second version is", async () => {
  const container = new Container();
  const offered = await installIn(container);
  const first = container.find();
  container.ready(first);
  container.takeOver(first);
  expect(offered).toEqual([]);
  container.ready(container.find());
  expect(offered).toHaveLength(1);
  expect(reload).not.toHaveBeenCalled();
});

test("a version that waits is let in, and the page is loaded anew once it serves", async () => {
  const container = Container.installed();
  const newer = (container.registration.waiting = new Worker());
  const [update] = await installIn(container);
  update?.();
  expect(newer.postMessage.mock.calls).toEqual([["take over"]]);
  expect(reload).not.toHaveBeenCalled();
  container.takeOver(newer);
  expect(reload).toHaveBeenCalledOnce();
});

test("a version that another tab took is offered, and taken at once", async () => {
  const container = Container.installed();
  const offered = await installIn(container);
  const newer = container.find();
  container.ready(newer);
  container.takeOver(newer);
  expect(offered).toHaveLength(2);
  expect(reload).not.toHaveBeenCalled();
  // Both offers, since the notice of the first may still be shown.
  offered[0]?.();
  offered[1]?.();
  expect(reload).toHaveBeenCalledTimes(2);
  expect(newer.postMessage).not.toHaveBeenCalled();
});

test("a page that was loaded past its worker is told all the same", async () => {
  const container = new Container();
  container.registration.active = new Worker();
  const offered = await installIn(container);
  container.takeOver(new Worker());
  expect(offered).toHaveLength(1);
});

test("a part that is gone says that the page is to be loaded anew", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const Gone = part<object>(() => Promise.reject(new TypeError("Failed to fetch dynamically imported module")));
  render(
    <ViewBoundary>
      <Suspense>
        <Gone />
      </Suspense>
    </ViewBoundary>,
  );
  expect((await screen.findByRole("alert")).textContent).toMatch(/a newer version by now.*Reload the page/);
  fireEvent.click(screen.getByRole("button", { name: "Reload" }));
  expect(reload).toHaveBeenCalledOnce();
});
