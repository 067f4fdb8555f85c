// Editors that are connected live, by the providers that people install.

import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

export const workspace = process.env.LANDFALL_WORKSPACE

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export async function until(what, is, patience = 120_000) {
    const end = Date.now() + patience
    while (!is()) {
        if (Date.now() > end) throw new Error(`it took too long until ${what}`)
        await sleep(10)
    }
}

/** A socket that is given up while it connects says so; nobody has to hear it. */
class Socket extends WebSocket {
    constructor(...settings) {
        super(...settings)
        this.on('error', () => {})
    }
}

/** An editor of `document` by `kind` (`y`, `hocuspocus`; `y@URL` for one on another server). Its `closes` are the codes with which sockets were closed. */
export function connect(kind, document, token, doc = new Y.Doc()) {
    const closes = []
    const at = kind.indexOf('@')
    const url = (at < 0 ? (process.env.LANDFALL_URL ?? '') : kind.slice(at + 1)).replace(/^http/, 'ws')
    kind = at < 0 ? kind : kind.slice(0, at)
    if (kind === 'y') {
        const provider = new WebsocketProvider(`${url}/api/v1/live/y/${workspace}`, document, doc, {
            params: { token },
            WebSocketPolyfill: Socket,
            disableBc: true,
            maxBackoffTime: 300,
        })
        provider.on('connection-close', (event) => event && closes.push([event.code, event.reason]))
        return {
            kind,
            doc,
            closes,
            provider,
            awareness: provider.awareness,
            isSynced: () => provider.synced,
            isSaved: () => provider.synced,
            disconnect: () => provider.disconnect(),
            connect: () => provider.connect(),
            destroy: () => provider.destroy(),
        }
    }
    const socket = new HocuspocusProviderWebsocket({
        url: `${url}/api/v1/live/hocuspocus`,
        WebSocketPolyfill: Socket,
        delay: 50,
        minDelay: 50,
        maxDelay: 300,
    })
    const denied = []
    const provider = new HocuspocusProvider({
        websocketProvider: socket,
        name: `${workspace}/${document}`,
        document: doc,
        token,
        onAuthenticationFailed: ({ reason }) => denied.push(reason),
        onClose: ({ event }) => closes.push([event.code, event.reason]),
    })
    provider.attach()
    return {
        kind,
        doc,
        closes,
        denied,
        provider,
        awareness: provider.awareness,
        isSynced: () => provider.synced,
        isSaved: () => provider.synced && !provider.hasUnsyncedChanges,
        disconnect: () => socket.disconnect(),
        connect: () => socket.connect(),
        destroy: () => (provider.destroy(), socket.destroy()),
    }
}

/** Types `keys` one after the other, each at some place of the text. */
export async function type(editor, keys, pause, seed) {
    const text = editor.doc.getText('content')
    let state = seed
    for (const key of keys) {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
        text.insert(state % (text.length + 1), key)
        await sleep(pause)
    }
}

/** Whether each key is in the text once. */
export function misses(text, keys) {
    return keys.filter((key) => text.split(key).length !== 2)
}

/** Keys that can be told from all others wherever they are put: single characters. */
export function keysOf(number, count) {
    return Array.from({ length: count }, (_, at) => String.fromCodePoint(0x4e00 + number * 2_000 + at))
}
