import type { Part } from './part.ts'
import { acknowledge } from './parts/acknowledge.ts'
import { connects } from './parts/connects.ts'
import { fanOut } from './parts/fan-out.ts'
import { inboxes } from './parts/inboxes.ts'
import { latencies } from './parts/latency.ts'
import { many } from './parts/many.ts'
import { memory } from './parts/memory.ts'
import { notify } from './parts/notify.ts'
import { overload } from './parts/overload.ts'
import { reconnects } from './parts/reconnects.ts'
import { storage } from './parts/storage.ts'
import { storm } from './parts/storm.ts'
import { manyUsers } from './parts/users.ts'
import { workers } from './parts/workers.ts'

/** All parts, in the order in which they run. */
export const PARTS: readonly Part[] = [
  notify,
  acknowledge,
  latencies,
  reconnects,
  fanOut,
  connects,
  storm,
  memory,
  workers,
  storage,
  manyUsers,
  many,
  inboxes,
  overload,
]
