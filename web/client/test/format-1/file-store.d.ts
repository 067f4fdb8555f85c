export { FileStore } from "../../src/node.js";
