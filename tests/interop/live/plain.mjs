// A plain text: viewers see it as it is, also when a script changes it and when somebody begins to edit it live; and what a script
// wrote is never typed over.

import { connect, sleep, until, workspace } from './editor.mjs'

const [what, token, document] = process.argv.slice(2)
const good = process.env.LANDFALL_TOKEN
const text = (editor) => editor.doc.getText('content').toString()
const shows = (editor, wanted) => until(`${editor.kind} shows ${JSON.stringify(wanted)}, not ${JSON.stringify(text(editor))}`, () => text(editor) === wanted)

async function write(content, base_version) {
    const operations = [{ client_id: crypto.randomUUID(), operation: 'update', document_id: document, base_version, data: { content } }]
    const answer = await fetch(`${process.env.LANDFALL_URL}/api/v1/documents/batch`, {
        method: 'POST',
        headers: { authorization: `Bearer ${good}`, 'content-type': 'application/json' },
        body: JSON.stringify({ workspace_id: workspace, device_id: 'script', operations }),
    })
    const { results } = await answer.json()
    if (results?.[0]?.status !== 'success') throw new Error(JSON.stringify(results ?? answer.status))
    return results[0].version
}

if (what === 'viewer') {
    const [awake, asleep] = [connect('y', document, token), connect('hocuspocus', document, token)]
    for (const viewer of [awake, asleep]) await shows(viewer, 'one\n')
    asleep.disconnect()
    await until('it is cut off', () => !asleep.isSynced())
    const version = await write('one\ntwo\n', 1)
    await shows(awake, 'one\ntwo\n')
    asleep.connect()
    await shows(asleep, 'one\ntwo\n')
    asleep.disconnect()
    await until('it is cut off again', () => !asleep.isSynced())
    await write('two\n', 2)
    await shows(awake, 'two\n')
    const owner = connect('y', document, good)
    await until('the owner is synced', owner.isSynced)
    owner.doc.getText('content').insert(0, 'one and ')
    await shows(awake, 'one and two\n')
    asleep.connect()
    await shows(asleep, 'one and two\n')
    await sleep(200)
    await shows(owner, 'one and two\n')
    console.log(JSON.stringify({ version, text: text(owner), closes: [...awake.closes, ...asleep.closes].filter(([code]) => code >= 4000) }))
} else {
    // The document is empty, and both write at one moment.
    const editor = connect('y', document, good)
    await until('it is synced', editor.isSynced)
    const written = write('words', 1)
    editor.doc.getText('content').insert(0, 'x')
    await written
    // Two that begin at one place are two lines.
    const keys = (editor) => [...text(editor)].filter((key) => key !== '\n').sort().join('')
    await until('both are there', () => keys(editor) === 'dorswx')
    editor.doc.getText('content').insert(0, 'y')
    const reader = connect('hocuspocus', document, good)
    await until('a new reader has them too', () => keys(reader) === 'dorswxy')
    console.log(JSON.stringify({ text: text(editor) }))
}
process.exit(0)
