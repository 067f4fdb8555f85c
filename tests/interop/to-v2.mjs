// Turns updates into the v2 encoding.
//
// Reads JSON from standard input: a list of updates (base64). Writes a list of the same updates in v2 (base64).

import { readFileSync } from 'node:fs'
import * as Y from 'yjs'

const updates = JSON.parse(readFileSync(0, 'utf8')).map(update => Buffer.from(update, 'base64'))
process.stdout.write(JSON.stringify(updates.map(update => Buffer.from(Y.convertUpdateFormatV1ToV2(update)).toString('base64'))))
