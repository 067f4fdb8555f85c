// Writes src/openapi.ts, the types of the wire, from the server's openapi.yaml. With --check it writes nothing and
// fails if the file is stale.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../../openapi.yaml", import.meta.url);
const target = new URL("../src/openapi.ts", import.meta.url);

const heading = `// Generated from openapi.yaml by \`npm run generate\`. Not edited by hand.\n\n`;
const text = heading + astToString(await openapiTS(source, { silent: true }));

if (process.argv.includes("--check")) {
  const present = await readFile(target, "utf8").catch(() => "");
  if (present !== text) {
    console.error("src/openapi.ts is stale: run `npm run generate` in web/client and commit the file.");
    process.exit(1);
  }
} else {
  await writeFile(target, text);
}
