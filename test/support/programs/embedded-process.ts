/**
 * A process on a database file, for tests that kill one: `node embedded-process.ts <file> <channel> <what>`. It writes a line of JSON per
 * acknowledged publication to its standard output.
 */
import type { Channel } from '../../../src/core/model/channel.ts'
import { createEmbeddedEngine } from '../../../src/engines/embedded/engine.ts'
import { draftOf } from '../drafts.ts'
import { report } from '../engines.ts'

const [path, channel, what] = process.argv.slice(2) as [string, Channel, 'forever' | 'once']
const retention = { count: 1_000_000, seconds: 86_400 }
const engine = await createEmbeddedEngine({
  path,
  durability: 'process',
  retention: { user: retention, room: retention },
  report,
})

async function publish(number: number): Promise<void> {
  const { id, seq, epoch } = await engine.broker.publish(
    draftOf(channel, number, { idempotency: { key: `k${number}`, fingerprint: 'f' } }),
  )
  process.stdout.write(`${JSON.stringify({ id, seq, epoch, number })}\n`)
}

if (what === 'once') {
  await publish(1)
  await engine.close()
} else {
  for (let number = 1; ; number += 10)
    await Promise.all(Array.from({ length: 10 }, (_, index) => publish(number + index)))
}
