// Hocuspocus with its own SQLite extension. Arguments: the database file, and how many milliseconds it waits before it
// stores a document (0: each update is stored).

import { SQLite } from '@hocuspocus/extension-sqlite'
import { Server } from '@hocuspocus/server'

const [file, debounce] = process.argv.slice(2)
const server = new Server({
    port: 0,
    address: '127.0.0.1',
    quiet: true,
    debounce: Number(debounce),
    maxDebounce: Math.max(Number(debounce) * 5, 0),
    extensions: [new SQLite({ database: file })],
})
await server.listen()
console.log(`listening on ${server.httpURL}`)
