// The server of y-websocket, as its own program starts it, on a free port. YPERSISTENCE names the folder of its LevelDB.

import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

// It says where its documents are; the first line of this program is to say where it listens.
console.info = () => undefined
const { setupWSConnection } = await import('y-websocket-server/bin/utils')

const server = createServer()
const sockets = new WebSocketServer({ server })
sockets.on('connection', setupWSConnection)
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`))
