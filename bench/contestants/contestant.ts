import type { PostTarget } from '../load/http-posts.ts'
import { MARKER } from '../load/marker.ts'
import type { TabTarget } from '../load/protocols.ts'

/** A system that is measured, with all its processes running. */
export interface Contestant {
  /** As it is called in figures. */
  readonly name: string
  /** The ids of its processes, by what they do: `redis`, `api`, `worker`. Threads and children are processes of their own only if named. */
  readonly roles: Readonly<Record<string, readonly number[]>>
  /** Where a notification of one user is posted. */
  readonly notify: PostTarget
  /** Where a message to everyone is posted; all tabs hear it. */
  readonly broadcast: PostTarget
  /** How a tab of this user connects; `index` spreads tabs over several workers. `since` is Tabcast's position, as JSON. */
  tab(user: string, index?: number, since?: string): TabTarget
  stop(): Promise<void>
}

/** What backends post in every bench. */
export const NOTIFICATION = {
  title: 'Your export is ready',
  body: 'Report 2026-11 has 1,204 rows.',
  type: 'export.finished',
  severity: 'success',
  url: '/exports/42',
  data: { id: 42, rows: 1204, at: MARKER },
}

/** What everyone is told in every bench. */
export const ANNOUNCEMENT = {
  body: 'The train on platform 4 is 10 minutes late.',
  type: 'announcement',
  data: { at: MARKER },
}

/** A target that takes these two as they are, with paths of the contestant's. */
export function jsonTarget(port: number, path: string, content: unknown, key = 'none'): PostTarget {
  return { port, path, headers: { authorization: `Bearer ${key}` }, body: JSON.stringify(content) }
}

/** How a Socket.IO client connects without polling first. */
export function socketIoTab(port: number, connect: Record<string, unknown> = {}): TabTarget {
  const path = '/socket.io/?EIO=4&transport=websocket'
  return { protocol: 'socket.io', port, path, connect: JSON.stringify(connect) }
}
