// What is refused, and how the providers hear of it. The first argument says what.

import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { connect, sleep, until, workspace } from './editor.mjs'

const [what, token, document] = process.argv.slice(2)
const good = process.env.LANDFALL_TOKEN
const say = (value) => console.log(JSON.stringify(value))

if (what === 'token' || what === 'foreign') {
    const y = connect('y', document, token)
    await until('it is closed', () => y.closes.length > 0)
    const hocuspocus = connect('hocuspocus', document, token)
    await until('it is denied', () => hocuspocus.denied.length > 0)
    await sleep(300)
    say({ code: y.closes[0][0], again: y.closes.length, denied: hocuspocus.denied[0] })
} else if (what === 'viewer') {
    const [y, hocuspocus, owner] = [connect('y', document, token), connect('hocuspocus', document, token), connect('y', document, good)]
    await until('all are synced', () => [y, hocuspocus, owner].every((editor) => editor.isSynced()))
    y.doc.getText('content').insert(0, 'no')
    hocuspocus.doc.getText('content').insert(0, 'no')
    owner.doc.getText('content').insert(0, 'yes')
    const text = (editor) => editor.doc.getText('content').toString()
    await until('the viewers see what the owner types', () => text(y).includes('yes') && text(hocuspocus).includes('yes'))
    await sleep(300)
    say({ owner: text(owner), unsynced: hocuspocus.provider.hasUnsyncedChanges, closes: [...y.closes, ...hocuspocus.closes] })
} else if (what === 'hostile') {
    const other = connect('y', document, good)
    await until('the other one is synced', other.isSynced)
    const base = process.env.LANDFALL_URL.replace(/^http/, 'ws')
    const path = `${base}/api/v1/live/y/${workspace}/${document}?token=${good}`
    const ended = (frames) =>
        new Promise((resolve) => {
            const socket = new WebSocket(path)
            socket.on('open', () => frames.forEach((frame) => socket.send(frame)))
            socket.on('close', (code, reason) => resolve([code, reason.toString()]))
            socket.on('error', () => {})
        })
    const update = (bytes) => Uint8Array.from([0, 2, bytes.length, ...bytes])
    say({
        nothing: await ended([new Uint8Array()]),
        unknown: await ended([Uint8Array.from([99])]),
        cut: await ended([Uint8Array.from([0, 2, 200, 1])]),
        text: await ended(['hello']),
        // Claims 2^28 structs.
        invalid: await ended([update([1, 255, 255, 255, 127, 1, 0])]),
        vector: await ended([Uint8Array.from([0, 0, 5, 255, 255, 255, 127, 1])]),
    })
    // 10,000 times sync step 1, and a flood of awareness: answered, or slowed down, and nobody else notices.
    const socket = new WebSocket(path)
    await new Promise((resolve) => socket.on('open', resolve))
    let answers = 0
    socket.on('message', () => (answers += 1))
    for (let at = 0; at < 10_000; at += 1) socket.send(Uint8Array.from([0, 0, 1, 0]))
    for (let at = 0; at < 10_000; at += 1) {
        const state = '{"a":1}'
        socket.send(Uint8Array.from([1, 3 + state.length, 1, 5, at % 128, state.length, ...Buffer.from(state)]))
    }
    const third = connect('hocuspocus', document, good)
    await until('another editor is served meanwhile', third.isSynced, 10_000)
    const started = Date.now()
    third.doc.getText('content').insert(0, 'x')
    await until('it reaches the other', () => other.doc.getText('content').toString() === 'x', 10_000)
    say({ took: Date.now() - started, answers: answers > 0, closes: other.closes })
} else if (what === 'talkative') {
    // An editor that moves its cursor more often than the others are told.
    const [editor, other] = [connect('y', document, good), connect('y', document, good)]
    await until('both are synced', () => editor.isSynced() && other.isSynced())
    for (let at = 1; at <= 100; at += 1) editor.awareness.setLocalStateField('at', at)
    await until('the other hears the last word', () => [...other.awareness.getStates().values()].some((state) => state.at === 100))
    editor.doc.getText('content').insert(0, 'x')
    await until('the other has the key', () => other.doc.getText('content').toString() === 'x')
    editor.destroy()
    other.destroy()
    await sleep(200)
    say({ text: 'x' })
} else if (what === 'incomplete') {
    // An update that leans on one that was never sent: the server asks for all.
    const source = new Y.Doc()
    const updates = []
    source.on('update', (update) => updates.push(update))
    source.getText('content').insert(0, 'a')
    source.getText('content').insert(1, 'b')
    const base = process.env.LANDFALL_URL.replace(/^http/, 'ws')
    const socket = new WebSocket(`${base}/api/v1/live/y/${workspace}/${document}?token=${good}`)
    await new Promise((resolve) => socket.on('open', resolve))
    const asked = new Promise((resolve) => socket.on('message', (data) => data[0] === 0 && data[1] === 0 && resolve([...data])))
    socket.send(Uint8Array.from([0, 2, updates[1].length, ...updates[1]]))
    await asked
    const whole = Y.encodeStateAsUpdate(source)
    socket.send(Uint8Array.from([0, 1, whole.length, ...whole]))
    const reader = connect('y', document, good)
    await until('it is there', () => reader.doc.getText('content').toString() === 'ab')
    say({ text: 'ab' })
} else if (what === 'documents') {
    // As many documents on one socket as there may be, and one more.
    const url = `${process.env.LANDFALL_URL.replace(/^http/, 'ws')}/api/v1/live/hocuspocus`
    const websocketProvider = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: WebSocket })
    const denied = []
    const open = () => {
        const onAuthenticationFailed = ({ reason }) => denied.push(reason)
        const name = `${workspace}/${crypto.randomUUID()}`
        const provider = new HocuspocusProvider({ websocketProvider, name, token: good, onAuthenticationFailed, awareness: null })
        provider.attach()
        return provider
    }
    const providers = Array.from({ length: Number(token) }, open)
    await until('all are synced', () => providers.every((provider) => provider.synced))
    const extra = open()
    await until('one too many is denied', () => denied.length > 0)
    providers[0].document.getText('content').insert(0, 'x')
    await until('the others go on', () => !providers[0].hasUnsyncedChanges)
    // Whoever closes one may open another.
    providers[1].destroy()
    const next = open()
    await until('another one is synced', () => next.synced)
    say({ denied, isSynced: extra.synced, still: providers.slice(2).every((provider) => provider.synced) })
}
process.exit(0)
