import { type FrameHandler, Tab } from './tab.ts'

/** Where a tab connects, and what it says to be let in. */
export interface TabTarget {
  protocol: 'socket.io' | 'websocket' | 'centrifugo'
  port: number
  path: string
  /** The payload of the CONNECT, as JSON; without one, nothing is said. */
  connect?: string
}

const ZERO = 0x30
const FOUR = 0x34

type Opener = (target: TabTarget, onEvent: FrameHandler) => Promise<Tab>

/** Resolves when the CONNECT packet has been answered (Engine.IO 4, Socket.IO protocol 5). */
const openSocketIo: Opener = async ({ port, path, connect = '' }, onEvent) => {
  const connected = Promise.withResolvers<void>()
  let isOpen = false
  const onFrame: FrameHandler = (chunk, start, end, tab) => {
    if (isOpen) onEvent(chunk, start, end, tab)
    else if (chunk[start] === ZERO) tab.send(`40${connect}`)
    else if (chunk[start] === FOUR && chunk[start + 1] === ZERO) {
      isOpen = true
      connected.resolve()
    } else connected.reject(new Error(chunk.toString('utf8', start, end)))
  }
  const tab = await Tab.open(port, path, onFrame, connected.reject)
  await connected.promise
  return tab
}

/** A line of its own, behind other lines of the same frame. */
const FURTHER_PING = Buffer.from('\n{}')

/** https://centrifugal.dev/docs/transports/client_protocol: a ping is an empty object, and so is its answer. */
const openCentrifugo: Opener = async ({ port, path, connect = '{}' }, onEvent) => {
  const connected = Promise.withResolvers<void>()
  let isOpen = false
  const onFrame: FrameHandler = (chunk, start, end, tab) => {
    const further = chunk.indexOf(FURTHER_PING, start)
    if (chunk[start + 1] === 0x7d || (further >= 0 && further < end)) tab.send('{}')
    if (end - start === 2) return
    if (isOpen) onEvent(chunk, start, end, tab)
    else {
      const answer = chunk.toString('utf8', start, end)
      isOpen = answer.includes('"connect":')
      if (isOpen) connected.resolve()
      else connected.reject(new Error(answer))
    }
  }
  const tab = await Tab.open(port, path, onFrame, connected.reject)
  tab.send(`{"id":1,"connect":${connect}}`)
  await connected.promise
  return tab
}

const openers: Record<TabTarget['protocol'], Opener> = {
  'socket.io': openSocketIo,
  websocket: ({ port, path }, onEvent) => Tab.open(port, path, onEvent),
  centrifugo: openCentrifugo,
}

/** Opens a tab: resolves when the server has let it in; from then on every event is handed on. Rejects with what it said instead. */
export function openTab(target: TabTarget, onEvent: FrameHandler): Promise<Tab> {
  return openers[target.protocol](target, onEvent)
}
