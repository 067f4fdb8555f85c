// Writes src/openapi.ts, the types of the wire, and src/problem-codes.ts, the codes by which the server's own refusals are
// known, from the server's openapi.yaml. With --check it writes nothing and fails if a file is stale.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../../openapi.yaml", import.meta.url);

const heading = "// Generated from openapi.yaml by `npm run generate`. Not edited by hand.\n\n";
const types = astToString(await openapiTS(source, { silent: true }));
const union = /^ +ProblemCode: (.*);$/m.exec(types)?.[1];
if (union === undefined) throw new Error("openapi.yaml has no ProblemCode");
const codes = union.split(" | ").map((code) => `  ${code},\n`);
const files = {
  "openapi.ts": heading + types,
  "problem-codes.ts": `${heading}/** The codes of the server's refusals. */\nexport const PROBLEM_CODES: readonly string[] = [\n${codes.join("")}];\n`,
};

for (const [name, text] of Object.entries(files)) {
  const target = new URL(`../src/${name}`, import.meta.url);
  if (process.argv.includes("--check")) {
    const present = await readFile(target, "utf8").catch(() => "");
    if (present === text) continue;
    console.error(`src/${name} is stale: run \`npm run generate\` in web/client and commit the file.`);
    process.exit(1);
  }
  await writeFile(target, text);
}
