// What yjs says a reader lacks of an update.
//
// Reads JSON from standard input: a list of `{ update, vectors }` (base64). Writes a list of lists of updates (base64).

import { readFileSync } from 'node:fs'
import * as Y from 'yjs'

const answers = JSON.parse(readFileSync(0, 'utf8')).map(({ update, vectors }) => vectors.map(vector =>
  Buffer.from(Y.diffUpdate(Buffer.from(update, 'base64'), Buffer.from(vector, 'base64'))).toString('base64')
))
process.stdout.write(JSON.stringify(answers))
