import calculateSlot from 'cluster-key-slot'
import { Redis } from 'ioredis'
import type { RedisServer } from './redis.ts'

/** The master that serves a key. */
export async function masterOf(nodes: readonly RedisServer[], key: string): Promise<RedisServer> {
  const slot = calculateSlot(key)
  for (const line of (await nodes[0]!.cli('cluster', 'nodes')).split('\n')) {
    const [, address, flags, , , , , , ...ranges] = line.split(' ')
    if (!flags?.includes('master') || flags.includes('fail')) continue
    for (const range of ranges) {
      const [first, last = first] = range.split('-').map(Number)
      if (first !== undefined && slot >= first && slot <= last!)
        return nodes.find(({ port }) => address!.includes(`:${port}@`))!
    }
  }
  throw new Error(`nobody serves the slot ${slot}`)
}

/** Moves the slot of a key to another master with everything in it, as the manual of CLUSTER SETSLOT says. */
export async function moveSlot(masters: readonly RedisServer[], key: string, to: RedisServer): Promise<void> {
  const from = await masterOf(masters, key)
  const slot = String(calculateSlot(key))
  const [source, target] = await Promise.all(
    [from, to].map(async (node) => (await node.cli('cluster', 'myid')).trim()),
  )
  await to.cli('cluster', 'setslot', slot, 'importing', source!)
  await from.cli('cluster', 'setslot', slot, 'migrating', target!)
  // Names of keys may hold any character, and a command line may not.
  const client = new Redis(from.url)
  for (;;) {
    const keys = await client.cluster('GETKEYSINSLOT', slot, 100)
    if (keys.length === 0) break
    await client.migrate('127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys)
  }
  await client.quit()
  for (const node of [to, from, ...masters.filter((other) => other !== to && other !== from)])
    await node.cli('cluster', 'setslot', slot, 'node', target!)
}
