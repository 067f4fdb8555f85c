// What a document of somebody else can do to who reads it: nothing.
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import Preview from "../src/editor/Preview.tsx";

afterEach(cleanup);

/** The text as it is read. */
function read(text: string): HTMLElement {
  cleanup();
  render(<Preview text={text} />);
  return screen.getByRole("region", { name: "Preview" });
}

const addresses = (place: HTMLElement): (string | null)[] =>
  [...place.querySelectorAll("a")].map((link) => link.getAttribute("href"));

test("HTML is shown as the text that it is", () => {
  const html = '<img src=x onerror="alert(1)"> <script>alert(2)</script>\n\n<iframe src=x>';
  const shown = read(`${html}\n\n<svg onload=alert(3)>\n\n<a href="javascript:alert(4)">here</a>\n`);
  expect(shown.querySelectorAll("img, script, iframe, svg, a, [onerror], [onload]")).toHaveLength(0);
  for (const told of ["<img src=x onerror=", "<script>alert(2)</script>", "<iframe ", "<svg onload="]) {
    expect(shown.textContent).toContain(told);
  }
});

test("a link that would run something is none", () => {
  const targets = ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "java&#115;cript:alert(1)", "vbscript:x"];
  const shown = read(
    [...targets, "data:text/html,<script>alert(1)</script>", "data:text/html;base64,PHNjcmlwdD4=", "file:///etc/passwd"]
      .map((target) => `[x](${target}) [y](<${target}>) <${target}>`)
      .join("\n\n"),
  );
  expect(addresses(shown)).toEqual([]);
  expect(shown.querySelectorAll("script")).toHaveLength(0);
});

test("an image is told by its text, and no other host is asked for anything", () => {
  const shown = read(
    "![the quay](https://elsewhere.example/pixel.png) ![](//elsewhere.example/x) ![data](data:image/png;base64,AAAA)\n\n" +
      "![by name][pixel]\n\n[pixel]: https://elsewhere.example/pixel.png\n",
  );
  expect(shown.querySelectorAll("img, [src], [srcset], [style], link, object, embed")).toHaveLength(0);
  expect([...shown.querySelectorAll(".image")].map(({ textContent }) => textContent)).toEqual([
    "the quay",
    "image",
    "data",
    "by name",
  ]);
  expect(read('![<img src=x onerror="alert(1)">](x)').querySelectorAll("img")).toHaveLength(0);
});

test("links lead elsewhere without telling from where, written out or not", () => {
  const shown = read(
    "[a](https://elsewhere.example/a) <https://elsewhere.example/b> https://elsewhere.example/c\n\n" +
      "[![quay](https://elsewhere.example/d.png)](https://elsewhere.example/d)\n",
  );
  expect(addresses(shown)).toEqual(["a", "b", "c", "d"].map((page) => `https://elsewhere.example/${page}`));
  for (const link of shown.querySelectorAll("a")) {
    expect(link.getAttribute("rel")?.split(" ")).toEqual(expect.arrayContaining(["noopener", "noreferrer"]));
    expect(link.getAttribute("target")).toBe("_blank");
  }
});
