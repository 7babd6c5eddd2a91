import type { Part } from './part.ts'
import { acknowledge } from './parts/acknowledge.ts'
import { fanOut } from './parts/fan-out.ts'
import { latencies } from './parts/latency.ts'
import { notify } from './parts/notify.ts'
import { reconnects } from './parts/reconnects.ts'

/** All parts, in the order in which they run. */
export const PARTS: readonly Part[] = [notify, acknowledge, latencies, reconnects, fanOut]
