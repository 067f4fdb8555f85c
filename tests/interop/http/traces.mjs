// Replays editing histories through the server: `node traces.mjs FILE.json` (or `.json.gz`).
// Sequential ones as one editor that pushes now and then; concurrent ones as editors that push in turn.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { Editor, read } from './editor.mjs'

const file = readFileSync(process.argv[2])
const trace = JSON.parse(process.argv[2].endsWith('.gz') ? gunzipSync(file) : file)
const PUSHES = 40

// The recorded texts hold no character beyond the basic plane, so code points are UTF-16 units.
assert.ok(trace.unit === 'utf16' || !/[\ud800-\udfff]/.test(trace.endContent))

function edit (editor, patches) {
  const text = editor.doc.getText('content')
  editor.doc.transact(() => {
    for (const [position, deleted, inserted] of patches) {
      if (deleted > 0) text.delete(position, deleted)
      if (inserted !== '') text.insert(position, inserted)
    }
  })
}

async function sequential () {
  const editor = new Editor(randomUUID(), 1)
  await editor.create('Trace')
  const every = Math.ceil(trace.txns.length / PUSHES)
  for (const [n, txn] of trace.txns.entries()) {
    edit(editor, txn.patches)
    if (n % every === every - 1) assert.equal((await editor.sync()).status, 'success')
  }
  if (editor.outbox.length > 0) assert.equal((await editor.sync()).status, 'success')
  return editor
}

async function inTurn () {
  const id = randomUUID()
  const agents = 1 + Math.max(...trace.txns.map(({ agent }) => agent))
  const editors = Array.from({ length: agents }, (_, agent) => new Editor(id, agent + 1))
  await editors[0].create('Trace')
  // Updates that each editor has made but not pushed, with the number of their transaction.
  const queues = editors.map(() => [])
  const pushUpTo = async (agent, last) => {
    const queue = queues[agent]
    const ready = queue.findIndex(([n]) => n > last)
    const now = queue.splice(0, ready < 0 ? queue.length : ready)
    if (now.length === 0) return
    editors[agent].outbox = now.map(([, update]) => update)
    const told = await editors[agent].sync()
    assert.equal(told.status, 'success', JSON.stringify(told.error))
  }
  // What an answer brings is not taken before its turn in the recording.
  for (const editor of editors) editor.take = () => {}
  for (const [n, txn] of trace.txns.entries()) {
    const { agent } = txn
    for (const parent of txn.parents) {
      const other = trace.txns[parent].agent
      if (other !== agent) {
        await pushUpTo(other, parent)
        Editor.prototype.take.call(editors[agent], await read(id))
      }
    }
    editors[agent].outbox = []
    edit(editors[agent], txn.patches)
    queues[agent].push(...editors[agent].outbox.map((update) => [n, update]))
  }
  for (const agent of editors.keys()) await pushUpTo(agent, Infinity)
  for (const editor of editors) Editor.prototype.take.call(editor, await read(id))
  for (const { doc } of editors) assert.equal(doc.getText('content').toString(), trace.endContent)
  return editors[0]
}

const editor = await (trace.kind === 'concurrent' ? inTurn() : sequential())
assert.equal(editor.doc.getText('content').toString(), trace.endContent)
assert.equal((await read(editor.id)).content, trace.endContent)
console.log('ok', trace.txns.length, 'transactions')
