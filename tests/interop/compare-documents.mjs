// Whether lists of updates make the same document.
//
// Reads JSON from standard input: a list of `{ name, roots, updates, candidates }`, each candidate a `{ label, updates }`
// (base64). Writes a list of the differences: `{ name, label, expected, found }`.

import { readFileSync } from 'node:fs'
import { contentsOf, documentOf } from './documents.mjs'

const bytes = updates => updates.map(update => Buffer.from(update, 'base64'))

const differences = []
for (const { name, roots, updates, candidates } of JSON.parse(readFileSync(0, 'utf8'))) {
  const expected = contentsOf(documentOf(bytes(updates)), roots)
  for (const candidate of candidates) {
    let found
    try {
      found = contentsOf(documentOf(bytes(candidate.updates)), roots)
    } catch (error) {
      found = String(error)
    }
    if (found !== expected) differences.push({ name, label: candidate.label, expected, found })
  }
}
process.stdout.write(JSON.stringify(differences))
